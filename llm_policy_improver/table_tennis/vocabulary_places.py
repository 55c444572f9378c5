"""What places on the table are called: sides, edges, lines, corners, the net, the far end, the middle."""

from typing import Final

PLACES: Final = """
side = left {left} | right {right}
table = [the | our | this] [ping pong | table tennis] (table | table top) | [the] (opponent's | opponents
  | opponents' | opposite | opposing | far | other) (half | court) [of (the table | the court)] | [the] (their
  | your opponent's) (half | side | court) [of the table] | the opponent's table half | [the] (opponent's
  | opponents | opponents' | opposing) side [of (the table | the net | the court)] | the other side [of (the net
  | the table)]
of_table = (of | on | in) <table>
emphasis = <degree> ([,] <degree>)*
degree = very | really | super | extremely | ultra | extra | real | absolutely | truly | totally
  | incredibly | nice and | good and
exactness = right | directly | straight | squarely | smack | [smack | slap] bang | dead | plumb
  | all the way | <accurately>
accurately = exactly | precisely | accurately | as (precisely | exactly | accurately | good |
      well) as <possible> | as best you can

# Left and right.
hand = hand [side] | side
side_line = (side | left hand | right hand) line | sideline | edge | line | border | boundary | side edge
  | side boundary | boundary line | margin | long edge
x_edge = [the | that | the table's] [<emphasis>] [far | extreme | outer | outside | outermost] <side> [hand]
  (<side_line> | side) [<of_table>] | [the] (side line | sideline | edge | side edge | line) (on | to
  | at) the [far] <side> [hand] [side] [<of_table>] | [the] <side> most (edge | side) | [the] <outermost> (edge
  | side | part | point | spot) [<of_table>]
outermost = leftmost {left} | rightmost {right} | [the] <side> most
  | [the] (furthest | farthest | outermost | most [far] | most extreme | utmost) <side>
the_side = the [<emphasis>] [extreme | far] <side> [<hand>] [<of_table>]
  | (your | the robot's) <side> [<hand>] | [the] <side> hand side [<of_table>]
far_side = [<emphasis>] (maximum | max | maximally | out wide | far | extreme | extremely | fully |
      completely | all the way | way [[,] way] | wide | wide out) [over | out | off] [to | on | towards |
      toward] [the] <side> [<hand>] [<of_table>] | [the] <outermost> [possible] | [the] far most <side>
  | [to | on] the (furthest | farthest) <side> [<hand>] [possible]
  | (furthest | farthest) [over | out] (to | towards | toward) the <side> [possible]
to_side = [all the way | well | way | far | straight | over | out | off | hard over | somewhere |
      anywhere {anywhere} | wide | out wide] [over | out | off] (to | on | towards | toward | at | along | down | in
      | for | into | onto | near) <the_side> [over the net] | leftward {left} | leftwards {left}
  | rightward {right} | rightwards {right}

# The far end.
end_line = <end_line_only> | far side
end_line_only = (edge | end | line) (furthest | farthest) from <net> | opposite edge | (opponent's | opponents'
  | opposite | other) (end | end line | base line | baseline) | (far | furthest | farthest | most distant | back
  | rear | outer) (end | edge | line | end line | base line | baseline | end edge | border | boundary | base)
  | end line | endline | base line | baseline | back line | backline | end edge | end boundary
y_edge = [the | the table's] [<emphasis>] [far | extreme] <end_line> {far} [<of_table> | of it]
  | the [<emphasis>] (back | rear | deep end | (edge | line) at the (far end | back | end)) {far}
      [<of_table>] | [the] [<emphasis>] (end | back) {far} <of_table> | their (end line | baseline | end) {far}
the_end = [<exactness>] [<way>] [<way>] (at | to | on | for | towards | toward | near | close to) the [<emphasis>] end
deep = [the] (furthest | farthest) [point | spot] [possible] from <net> | deep | long
  | [the] (deepest | furthest | farthest) (point | spot | part | place) [possible] [<of_table>] | deepest
  | way [way] (back | deep | long) | far (back | away | down the table) | deep (back | down the table)
  | all the way (back | down the table) | at the back | full length
short = short | shortest | up (short | close)

# The net.
net = [the] net
near_net = [<closely>] (behind | beyond) <net> | (just | immediately | right | shortly) (past | over | after
  | across | on the other side of) <net> | directly (past | after | on the other side of) <net> | [<closely>
  | up] ((near | nearest | close | closest | next) [to | of | by | at | behind] | beside | by | close up to
  | tight to | tight against | [right] up against | hugging | alongside | along | adjacent to
  | touching distance of | in the vicinity of) <net>
closely = <emphasis> | right | just [barely] | only just | immediately | directly | shortly | straight
  | dead | close | barely | tight | tightly | exactly
at_net = [right | up] at <net>

# Corners: with a side alone the far one is meant.
corner_depth = deepest {far} | far {far} | back {far} | deep {far} | rear {far} | long {far} | far back {far}
  | near {near} | short {near} | front {near} | close {near} | nearest {near} | closest {near}
corner_side = <side> [hand] [side]
corner_at = [,] (on | to | at | in | of) the [far | very | extreme] <side> [hand] [side] | [,] (on | to | at
  | in) the [very] (far {far} | back {far} | near {near} | front {near}) <side> [hand] [side]
  | [,] <side> [hand] side | [,] <corner_depth> <side> | [,] <side> <corner_depth> | [,] [right] (at | by | near
  | next to | close to | closest to | nearest | nearest to | beside | along | behind | just behind
  | on) <net> {near} | [,] (at | on | by | near | next to | of) <y_edge> | <of_table>
corner = [the | that] [<emphasis>] [extreme | outer | outermost | furthest | farthest] [<corner_depth>
  | <corner_side> | <corner_depth> <corner_side> | <corner_side> <corner_depth>] corner {corner} (<corner_at>)*
  | [the corner | the place | the point | the spot] where <any_line> (and | meets | joins | touches
  | crosses) <any_line> [meet | join | cross | touch | come together] | [the] corner (between | of
  | formed by) <any_line> and <any_line> | [the] <side> [hand] (end | side) of <y_edge>
any_line = [the] <middle_word> line {centre} | <x_edge> | <y_edge> | <net> {near}

# The middle.
middle_word = middle | centre | center | mid | midpoint
middle = [the] [<emphasis>] [dead | exact | absolute | precise | true] <middle_word> [point | spot]
      {middle} [<of_table> | of it] | the table's <middle_word> {middle} | central {middle}
  | mid table {middle} | centrally {middle}
centre_line = [straight | right] [down | along | up] [the] <middle_word> (line | axis) {centre} [<of_table>]
  | [straight | right] (down | along | up | through) the <middle_word> {centre} [<of_table>]
middle_of_edge = [the] [very | exact] <middle_word> of (the <side> [hand] <side_line> | the
      <end_line_only> {far} [<of_table>] | the far end {far} [<of_table>] | the back {far})
middle_of_net = [just | right | directly | close] (behind | beyond | over | past) the <middle_word> of the net {near}
deep_middle = (<deep_word> | <short_word> | [the] far end {far}) <middle_word> {centre}
  | <middle_word> {centre} (<deep_word> | <short_word>)
deep_word = deep {far} | long {far} | back {far} | far {far}
short_word = short {near} | near {near} | front {near}

# Parts of the table.
part = [the] <side> half {of_width} [<of_table>] | [the] (left {left_third} | right {right_third}) third [<of_table>]
  | [the] (far {far_half} | back {far_half} | rear {far_half} | near {near_half} | front {near_half}) half of
  <opponents_half> | [the] (back | far | rear | last | deepest | furthest | farthest) (third {far_third}
  | quarter {far_quarter}) of <opponents_half> | [the] (front | near | first | nearest | closest) (third {near_third}
  | quarter {near_quarter}) of <opponents_half> | [the] (back {far_half} | far {far_half} | rear {far_half}
  | near {near_half} | front {near_half}) <side> {of_width} quarter of <opponents_half>
opponents_half = the (opponent's | opponents | opponents' | opposing) (half | side | court) [of the table]

to = [<exactness>] [<way>] [<way>] (to | towards | toward | into | in | at | on | onto | for | inside |
      just inside | upon | [right] up to | just in | just on)
way = over | down | back | deep {far} | way over | anywhere {anywhere} | somewhere | up | out | straight | all the way
nearby = [right | <emphasis>] (near | close to | near to | next to | beside | by | around | hug | hugging
      | alongside) the
place = [straight | right | all the way] [down | along | hug | hugging] <x_edge> | <y_edge> | <corner>
  | <middle> | <middle_of_edge> | <centre_line> | <part>
"""
"""Rules of `core.phrase_rules`; `vocabulary` says what their tags mean."""
