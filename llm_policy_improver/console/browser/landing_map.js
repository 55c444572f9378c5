// The opponent's half of the table from above, with the landings of all trials. The net is the lower edge.
// Lengths are centimetres here, so that strokes and letters have sizes near 1; trials come in metres.
const PLACES = [[0, -1], [1, -0.8], [-1, -0.8], [1.3, 0.3], [-1.3, 0.3], [0, 1.6], [1, 1.4], [-1, 1.4]];

const MOST_NUMBERED = 60, MOST_FAILED = 40;
// Landings of proposals that overlap others, from which on the whole half does not tell them apart.
const CROWD = 6;
// Of the whole half's width: a part that is wider enlarges too little to leave the rest out unasked.
const WORTH = 0.7;
// Proposals that are shown around the best at least, where there are so many.
const LEAST = 4;
// How many times wider the part may become for the aim to be in it: with a distant one the landings would crowd again.
const WIDER = 3;
// Pixels; the style sheet holds the picture to it.
const HIGHEST = 520;

// Where a frame of this length begins to have places in its middle, with little of what is no table.
function begin(places, long, margin, tableLow, tableHigh) {
  const low = Math.min(...places), high = Math.max(...places), middle = (low + high - long) / 2;
  const least = Math.min(low, tableLow) - margin, most = Math.max(high, tableHigh) + margin - long;
  return least > most ? middle : Math.min(Math.max(middle, least), most);
}

// The part of the table, half as wide as it is and as long, that holds places, in the shape of the picture, which is so
// many times wider than high.
function partAround(places, shape, half, length) {
  const xs = places.map((each) => each.x), ys = places.map((each) => each.y);
  const size = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys), 8) * 1.25;
  const width = shape * size, margin = 0.12 * size;
  const x = begin(xs, width, margin, -half, half), y = begin(ys, size, margin, -length, 0);
  return { x, y, width, height: size };
}

function starAt(x, y, size) {
  const points = [];
  for (let k = 0; k < 10; k++) {
    const r = (k % 2 ? 0.425 : 1) * size, a = (Math.PI * k) / 5;
    points.push(`${x + r * Math.sin(a)},${y - r * Math.cos(a)}`);
  }
  return points.join(" ");
}

export default {
  props: { trials: Array, map: Object, chosen: Number, coming: Array },
  data: () => ({ picked: null, wide: 640 }),
  mounted() {
    this.observer = new ResizeObserver(([entry]) => { this.wide = Math.max(entry.contentRect.width, 200); });
    this.observer.observe(this.$el);
  },
  beforeUnmount() { this.observer.disconnect(); },
  computed: {
    half() { return 100 * this.map.table.half; },
    length() { return 100 * this.map.table.length; },
    net() { return 100 * this.map.table.net; },
    landed() {
      return this.trials.filter((each) => each.place).map((each) => ({
        ...each, x: 100 * each.place[0], y: -100 * each.place[1],
      }));
    },
    most: () => MOST_FAILED,
    failed() { return this.trials.filter((each) => !each.place); },
    improved() { return this.landed.filter((each) => !each.first); },
    best() { return this.landed.find((each) => each.number === this.map.best); },
    current() { return this.landed.find((each) => each.number === this.chosen); },
    // Where the ball of the chosen trial was expected, and that of what comes next.
    foretold() {
      const chosen = this.trials.find((each) => each.number === this.chosen), from = this.current, found = [];
      const told = (key, place, words, to) => found.push({ key, x: 100 * place[0], y: -100 * place[1], place, words, to });
      if (chosen?.foretold) told("chosen", chosen.foretold, `Expected of trial ${chosen.number}`, from);
      if (this.coming) told("coming", this.coming, "Expected next", null);
      return found;
    },
    next() { return this.foretold.find((each) => each.key === "coming"); },
    goal() {
      if (!this.map.goal) return null;
      const [x, y] = this.map.goal;
      return { x: x === null ? null : 100 * x, y: y === null ? null : -100 * y };
    },
    pointed() { return this.goal !== null && this.goal.x !== null && this.goal.y !== null; },
    whole() { return { x: -this.net - 4, y: -this.length - 8, width: 2 * this.net + 8, height: this.length + 22 }; },
    // Where the aim is nearest to the best landing.
    aimed() { return { x: this.goal.x ?? this.best.x, y: this.goal.y ?? this.best.y }; },
    // The neighbourhood of the better half of the improvements, at least of a few, with where
    // the next ball is expected, and with the aim unless that is far off.
    part() {
      if (!this.best) return this.whole;
      const ranked = this.improved.filter((each) => each.distance !== null).sort((a, b) => a.distance - b.distance);
      const some = [this.best, ...ranked.slice(0, Math.max(Math.ceil(ranked.length / 2), LEAST))];
      if (this.next) some.push(this.next);
      const shape = Math.max(this.wide / HIGHEST, 1), alone = partAround(some, shape, this.half, this.length);
      if (!this.goal) return alone;
      const aimed = partAround([...some, this.aimed], shape, this.half, this.length);
      return aimed.width > WIDER * alone.width ? alone : aimed;
    },
    crowded() {
      const wide = 2 * 1.9 * this.unitOf(this.whole), some = this.improved;
      const overlaps = (each) => some.some((o) => o !== each && Math.hypot(o.x - each.x, o.y - each.y) < wide);
      return some.filter(overlaps).length >= CROWD;
    },
    // Whether it is the part: as somebody picked; until then where that tells landings apart and holds the chosen one.
    near() {
      if (!this.best) return false;
      if (this.picked !== null) return this.picked;
      if (this.part.width > WORTH * this.whole.width || (this.current && !this.inside(this.current))) return false;
      return this.crowded || (this.map.over && this.improved.length > 1);
    },
    frame() { return this.near ? this.part : this.whole; },
    outside() { return this.landed.filter((each) => !this.inside(each)).length; },
    unit() { return this.unitOf(this.frame); },
    scale() {
      const long = [50, 20, 10, 5, 2, 1, 0.5].find((each) => each < this.frame.width / 4) ?? 0.2;
      const x = this.frame.x + this.frame.width - 3 * this.unit, y = this.frame.y + this.frame.height - 3 * this.unit;
      return { long, x: x - long, y, path: `M${x - long} ${y - this.unit}v${this.unit}h${long}v${-this.unit}` };
    },
    path() { return this.improved.map((each) => `${each.x},${each.y}`).join(" "); },
    // A number beside each landing where there is room: the chosen and the best first, then the latest.
    labels() {
      const u = this.unit, taken = [], found = [];
      const next = this.next ? [{ ...this.next, number: "next" }] : [];
      const first = [this.current, this.best, ...next].filter(Boolean), goal = this.goal;
      if (this.pointed) taken.push([goal.x - 4 * u, goal.y - 4 * u, goal.x + 4 * u, goal.y + 4 * u]);
      if (this.near) taken.push([this.scale.x, this.scale.y - 6 * u, this.scale.x + this.scale.long, this.scale.y]);
      for (const { x, y } of [...this.foretold, ...[this.best, this.current].filter(Boolean)]) {
        taken.push([x - 3 * u, y - 3 * u, x + 3 * u, y + 3 * u]);
      }
      const others = this.improved.slice(-MOST_NUMBERED).reverse().concat(this.landed.filter((each) => each.first).slice(-MOST_NUMBERED));
      for (const each of [...new Set([...first, ...others])]) {
        const must = first.includes(each), words = each === this.best ? `best: ${each.number}` : String(each.number);
        const wide = (must ? 1.35 : 1.05) * words.length + 0.6;
        // Over no other landing, if that can be.
        for (const [dx, dy, over] of must ? [...PLACES, ...PLACES.map((place) => [...place, true])] : PLACES) {
          const gap = must ? 5.4 : 3.4, x = each.x + u * dx * (gap + wide * 0.75), y = each.y + u * (dy * gap + 0.6);
          const box = [x - u * wide, y - 3.6 * u, x + u * wide, y + 1 * u];
          const f = this.frame;
          if (box[0] < f.x || box[2] > f.x + f.width || box[1] < f.y || box[3] > f.y + f.height) continue;
          const free = !taken.some((o) => box[0] < o[2] && box[2] > o[0] && box[1] < o[3] && box[3] > o[1]);
          const clear = over || !this.landed.some(
            (o) => o !== each && o.x > box[0] - u && o.x < box[2] + u && o.y > box[1] - u && o.y < box[3] + u);
          if (free && clear) { taken.push(box); found.push({ ...each, lx: x, ly: y, must, words }); break; }
        }
      }
      return found;
    },
    star() { return starAt(this.goal.x, this.goal.y, 4 * this.unit); },
    miniStar() { return starAt(this.goal.x, this.goal.y, 20); },
    keyStar: () => starAt(0, 0, 5),
    told() {
      const best = this.best ? `, the best is trial ${this.best.number}` : "";
      const next = this.next ? `; the next is expected at ${this.coming.map((each) => each.toFixed(2)).join(", ")} m` : "";
      return `The opponent's half of the table from above: ${this.landed.length} of ${this.trials.length} balls ` +
        `landed on it${best}${next}. All trials stand in the table "All trials" below.`;
    },
  },
  methods: {
    choose(number) { this.$emit("choose", number); },
    inside(each) {
      const { x, y, width, height } = this.part;
      return each.x >= x && each.x <= x + width && each.y >= y && each.y <= y + height;
    },
    // Marks and letters have the same size on the screen, however much of the table is shown: this is 3.2 pixels.
    unitOf(frame) { return (3.2 * frame.width) / Math.min(this.wide, (HIGHEST * frame.width) / frame.height); },
    diamond({ x, y }) { const r = 2.6 * this.unit; return `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}Z`; },
    size(each) { return (each.first ? 1.3 : 1.9) * this.unit; },
  },
  template: `
  <div class="landing-map">
    <div class="tools" role="group" aria-label="Part of the table" :style="{ flexWrap: 'wrap', alignItems: 'center' }">
      <button type="button" :aria-pressed="String(!near)" @click="picked = false">Whole half</button>
      <button type="button" :aria-pressed="String(near)" :disabled="!best" @click="picked = true">Around the best</button>
      <svg v-if="near" width="40" height="36" role="img" aria-label="Which part of the table this is"
        :viewBox="[whole.x, whole.y, whole.width, whole.height].join(' ')">
        <rect :x="-half" :y="-length" :width="2 * half" :height="length" class="half" />
        <line :x1="-net" :x2="net" y1="0" y2="0" class="net" :style="{ strokeWidth: '2px' }" />
        <polygon v-if="pointed" :points="miniStar" class="star" />
        <rect :x="part.x" :y="part.y" :width="part.width" :height="part.height" class="ring chosen" stroke-width="14" />
      </svg>
      <span v-if="near" class="quiet">{{ part.width.toFixed(0) }} cm wide{{
        outside ? "; " + outside + " landing" + (outside > 1 ? "s lie" : " lies") + " outside" : "" }}{{
        goal && !inside(aimed) ? "; the aim as well" : "" }}</span>
    </div>
    <svg role="img" :aria-label="told" :viewBox="[frame.x, frame.y, frame.width, frame.height].join(' ')">
      <rect :x="-half" :y="-length" :width="2 * half" :height="length" class="half" />
      <rect :x="-half" y="0" :width="2 * half" height="14" class="own" />
      <line x1="0" x2="0" y1="0" :y2="-length" class="middle" />
      <line :x1="-net" :x2="net" y1="0" y2="0" class="net" />
      <g v-if="goal">
        <polygon v-if="pointed" :points="star" class="star" />
        <line v-else-if="goal.x !== null" :x1="goal.x" :x2="goal.x" y1="0" :y2="-length" class="aim" />
        <line v-else :x1="-half" :x2="half" :y1="goal.y" :y2="goal.y" class="aim" />
      </g>
      <ellipse v-if="map.spread && best" :cx="best.x" :cy="best.y" :rx="100 * map.spread[0]" :ry="100 * map.spread[1]"
        class="spread" :stroke-width="0.5 * unit" />
      <polyline :points="path" class="path" :stroke-width="0.25 * unit" />
      <circle v-for="each in landed" :key="each.number" :cx="each.x" :cy="each.y" :r="size(each)" :fill="each.colour"
        class="landing" :class="{ first: each.first }" :stroke-width="0.3 * unit" :data-trial="each.number"
        @click="choose(each.number)">
        <title>Trial {{ each.number }}: ({{ each.place[0].toFixed(2) }}, {{ each.place[1].toFixed(2) }}) m</title>
      </circle>
      <circle v-if="best" :cx="best.x" :cy="best.y" :r="4.2 * unit" class="ring" :stroke-width="0.9 * unit" />
      <circle v-if="current" :cx="current.x" :cy="current.y" :r="3.1 * unit" class="ring chosen"
        :stroke-width="0.9 * unit" />
      <g v-for="each in foretold" :key="each.key" class="foretold" :stroke-width="0.7 * unit">
        <line v-if="each.to" :x1="each.x" :y1="each.y" :x2="each.to.x" :y2="each.to.y" />
        <path :d="diamond(each)" :data-foretold="each.key">
          <title>{{ each.words }}: ({{ each.place[0].toFixed(2) }}, {{ each.place[1].toFixed(2) }}) m</title>
        </path>
      </g>
      <text v-for="each in labels" :key="'n' + each.number" :x="each.lx" :y="each.ly" :font-size="(each.must ? 4.6 : 3.4) * unit"
        :stroke-width="0.9 * unit" :class="{ must: each.must, first: each.first }" class="number"
        >{{ each.words }}</text>
      <g v-if="near">
        <path :d="scale.path" class="scale" />
        <text :x="scale.x + scale.long / 2" :y="scale.y - 1.5 * unit" class="where" :style="{ fontSize: 4 * unit + 'px' }"
          >{{ scale.long }} cm</text>
      </g>
      <text v-if="!near" x="0" y="8" class="where" :style="{ fontSize: 4 * unit + 'px' }">net · the robot plays from here</text>
      <text v-if="!near" x="0" :y="-length - 1.8" class="where" :style="{ fontSize: 4 * unit + 'px' }">far end of the table</text>
    </svg>
    <p class="key">
      <span><i class="dot first"></i>first trials, before any proposal</span>
      <span><i class="dot order"></i>proposals, early ones light, late ones dark</span>
      <span v-if="goal"><svg width="16" height="16" viewBox="-6 -6 12 12" aria-hidden="true">
        <polygon v-if="pointed" :points="keyStar" class="star" />
        <line v-else-if="goal.x !== null" x1="0" x2="0" y1="-6" y2="6" class="aim" :style="{ strokeWidth: '5px' }" />
        <line v-else x1="-6" x2="6" y1="0" y2="0" class="aim" :style="{ strokeWidth: '5px' }" />
      </svg>aim</span>
      <span><i class="dot best"></i>best</span>
      <span><i class="dot chosen"></i>selected</span>
      <span v-if="foretold.length"><svg width="16" height="16" viewBox="-6 -6 12 12" aria-hidden="true">
        <path d="M0 -5L5 0L0 5L-5 0Z" class="foretold" stroke-width="1.6" />
      </svg>expected before the ball{{ next ? (foretold.length > 1 ? ": of the selected trial, and next" : ": next") : "" }}</span>
      <span v-if="map.spread"><i class="dot spread"></i>where 95 % of repeats of the best would land</span>
    </p>
    <p v-if="failed.length" class="failed">
      <span>No good return:</span>
      <button v-for="each in failed.slice(-most)" :key="each.number" type="button" :aria-label="'Trial ' + each.number + ', ' + each.outcome"
        :title="each.outcome" :aria-pressed="String(each.number === chosen)" @click="choose(each.number)">{{ each.number }}</button>
      <span v-if="failed.length > most">and {{ failed.length - most }} earlier ones, in the table below</span>
    </p>
  </div>`,
};
