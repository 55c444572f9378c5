// All trials as a table behind a fold: what the pictures show, for whoever does not see them.
export default {
  props: { trials: Array, chosen: Number },
  data: () => ({ open: false }),
  methods: {
    landing(each) {
      return each.place ? `(${each.place[0].toFixed(2)}, ${each.place[1].toFixed(2)}) m` : "";
    },
  },
  template: `
  <details class="trial-table" @toggle="open = $event.target.open">
    <summary>All trials as a table</summary>
    <div v-if="open" class="scrolls" tabindex="0" role="region" aria-label="All trials">
      <table>
        <thead><tr><th scope="col">trial</th><th scope="col">outcome</th><th scope="col">landing (right, beyond the net)</th>
          <th scope="col">to the goal</th><th scope="col">proposed by</th></tr></thead>
        <tbody>
          <tr v-for="each in trials" :key="each.number" :class="{ chosen: each.number === chosen }">
            <th scope="row"><button type="button" :aria-pressed="String(each.number === chosen)"
              :aria-label="'Choose trial ' + each.number" @click="$emit('choose', each.number)">{{ each.number }}</button></th>
            <td>{{ each.outcome }}</td><td>{{ landing(each) }}</td>
            <td>{{ each.distance === null ? '–' : each.distance.toFixed(3) + ' m' }}</td><td>{{ each.by }}</td>
          </tr>
        </tbody>
      </table>
    </div>
  </details>`,
};
