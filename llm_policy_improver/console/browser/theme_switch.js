// Light, dark, or as the system; kept by this browser.
const KEY = "llm_policy_improver.colours", SET = { system: "auto", light: false, dark: true };

export default {
  data: () => ({ chosen: "system" }),
  mounted() {
    const kept = localStorage.getItem(KEY);
    if (kept in SET) this.chosen = kept;
    this.apply();
  },
  methods: {
    apply() { Quasar.Dark.set(SET[this.chosen]); },
    choose() { localStorage.setItem(KEY, this.chosen); this.apply(); },
  },
  template: `
  <label class="theme"><span>Colours</span><select v-model="chosen" @change="choose">
    <option value="system">as the system</option><option value="light">light</option><option value="dark">dark</option>
  </select></label>`,
};
