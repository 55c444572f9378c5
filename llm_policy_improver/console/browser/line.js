// A line or a number that is typed. It keeps what was typed itself: Vue sets the value of a plain <input> anew whenever
// anything on the page changes.
export default {
  props: { begins: String },
  emits: ["typed"],
  data() { return { value: this.begins }; },
  methods: {
    onInput(event) { this.value = event.target.value; this.$emit("typed", this.value); },
  },
  template: `<input :value="value" @input="onInput">`,
};
