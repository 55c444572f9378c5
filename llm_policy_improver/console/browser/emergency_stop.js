// Stops the arm, by a request of its own: it needs nothing of the page but this button. Esc does the same anywhere.
export default {
  props: { physical: Boolean, stopped: Boolean },
  data: () => ({ said: "", failed: false, lost: false }),
  mounted() {
    window.addEventListener("keydown", this.onKey, true);
    this.looking = setInterval(this.look, 2000);
  },
  unmounted() {
    window.removeEventListener("keydown", this.onKey, true);
    clearInterval(this.looking);
  },
  watch: { stopped(now) { if (!now) this.said = ""; } },
  methods: {
    onKey(event) {
      if (event.key === "Escape" && !event.repeat) this.stop();
    },
    // A web socket notices only after 15 s that nobody is at its other end.
    async look() {
      try {
        const alive = await fetch("/alive", { cache: "no-store", signal: AbortSignal.timeout(3000) });
        this.lost = !alive.ok || !window.socket || !window.socket.connected;
      } catch {
        this.lost = true;
      }
    },
    async stop() {
      this.failed = false;
      this.said = "Stopping …";
      try {
        const answer = await fetch("/emergency_stop", { method: "POST", signal: AbortSignal.timeout(6000) });
        this.said = await answer.text();
        this.failed = !answer.ok;
      } catch {
        this.said = "The console has not answered for six seconds.";
        this.failed = true;
      }
    },
  },
  template: `
  <div class="emergency">
    <button type="button" class="emergency-stop" @click="stop">Emergency stop <kbd>Esc</kbd></button>
    <p v-if="physical" class="first-choice">First choice: the button on the cabinet.</p>
    <p class="said" :class="{ failed }" role="alert">{{ said }}{{ failed && physical ? " Press the button on the cabinet." : "" }}</p>
    <p v-if="lost" class="lost" role="alert">This page has lost its console: what it shows is old, and it may not stop the arm.</p>
  </div>`,
};
