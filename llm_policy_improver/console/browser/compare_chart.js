// The best distance so far over the trials of several runs.
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];

export default {
  props: { runs: Array },
  data: () => ({ width: 640, height: 280 }),
  mounted() {
    this.observer = new ResizeObserver(([entry]) => { this.width = Math.max(entry.contentRect.width, 240); });
    this.observer.observe(this.$el);
  },
  beforeUnmount() { this.observer.disconnect(); },
  computed: {
    top() { return Math.max(0.05, ...this.runs.flatMap((run) => run.lowest.map(([, left]) => left))) * 1.05; },
    last() { return Math.max(1, ...this.runs.flatMap((run) => run.lowest.map(([number]) => number))); },
    ticks() {
      const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1].find((each) => this.top / each <= 6) ?? 2;
      return Array.from({ length: Math.floor(this.top / step) + 1 }, (_, k) => k * step);
    },
    numbers() {
      const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((each) => this.last / each <= this.width / 60) ?? 1000;
      return Array.from({ length: Math.floor(this.last / step) }, (_, k) => (k + 1) * step);
    },
    told() {
      const each = this.runs.map((run) => `${run.name}: ${run.lowest.at(-1)?.[1].toFixed(3) ?? "none measured"} m`);
      return `Best distance so far over trials. In the end ${each.join(", ")}.`;
    },
  },
  methods: {
    x(number) { return 46 + (number / this.last) * (this.width - 60); },
    y(left) { return this.height - 34 - (left / this.top) * (this.height - 46); },
    line(run) {
      return run.lowest.map(([number, left], k) => (k ? `H${this.x(number)}V${this.y(left)}` : `M${this.x(number)} ${this.y(left)}`)).join("");
    },
    dash(k) { return DASHES[k % DASHES.length]; },
  },
  template: `
  <div class="distance-chart">
    <svg role="img" :aria-label="told" :width="width" :height="height">
      <g class="grid">
        <g v-for="tick in ticks" :key="tick">
          <line :x1="46" :x2="width - 14" :y1="y(tick)" :y2="y(tick)" />
          <text :x="40" :y="y(tick) + 4" text-anchor="end">{{ Number(tick.toFixed(2)) }}</text>
        </g>
        <text v-for="number in numbers" :key="'x' + number" :x="x(number)" :y="height - 18" text-anchor="middle">{{ number }}</text>
        <text :x="width - 14" :y="height - 4" text-anchor="end">trial</text>
        <text :x="4" :y="height - 4">m to the goal, best so far</text>
      </g>
      <path v-for="(run, k) in runs" :key="k" :d="line(run)" class="run" :class="'run-' + (k % 4)" :stroke-dasharray="dash(k)" />
    </svg>
    <p class="key"><span v-for="(run, k) in runs" :key="k"><svg width="34" height="8" aria-hidden="true"><path d="M0 4H34" class="run"
      :class="'run-' + (k % 4)" :stroke-dasharray="dash(k)" /></svg>{{ run.name }}</span></p>
  </div>`,
};
