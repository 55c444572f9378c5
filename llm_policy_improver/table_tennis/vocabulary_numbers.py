"""What numbers in an objective are called: points, distances from lines, heights, speeds and times."""

from typing import Final

from llm_policy_improver.table_tennis.ball import table

UNITS: Final = {
    'metre': 1.0, 'cm': 0.01, 'mm': 0.001, 'inch': 0.0254, 'foot': 0.3048, 'kmh': 1 / 3.6,
    'ball': 2 * table.BALL_RADIUS, 'hand': 0.1,
    'half': 0.5, 'quarter': 0.25, 'three_quarters': 0.75, 'third': 1 / 3, 'two_thirds': 2 / 3, 'percent': 0.01,
    'one': 1.0, 'minus': -1.0,
}  # fmt: skip
"""Factors: units in metres, or metres a second, and fractions. A hand's width is about 0.1 m."""
METRES_MEANT, CONVERTED = 'metres_meant', 'converted'
"""Tags of a coordinate without a unit, and of one in another unit than metres."""
SPELT: Final = {
    name: float(number)
    for number, name in [
        *enumerate(['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten']),
        (11, 'eleven'), (12, 'twelve'),
        (15, 'fifteen'), (20, 'twenty'), (25, 'twenty five'), (30, 'thirty'), (40, 'forty'), (50, 'fifty'),
        (60, 'sixty'), (70, 'seventy'), (80, 'eighty'), (90, 'ninety'),
    ]
}  # fmt: skip

NUMBERS: Final = (
    f"""
digit = {' | '.join(f'{name} {{{name}}}' for name, value in SPELT.items() if value < 10)}
spelt = {' | '.join(f'{name} {{{name}}}' for name in SPELT)}
"""
    + """
decimals = [zero] point <digit> | [zero] point <digit> <digit>
count = [minus {minus} | negative {minus} | - {minus}] (<number> | <spelt> | <decimals>)
unit = <in_metres> {metre} | <other_unit>
in_metres = m | metre | metres | meter | meters
other_unit = (cm | centimetre | centimetres | centimeter | centimeters) {cm} | (mm | millimetre | millimetres
  | millimeter | millimeters) {mm} | (inch | inches) {inch} | (foot | feet | ft) {foot}
one_unit = (metre | meter) {metre} | (centimetre | centimeter) {cm} | inch {inch} | foot {foot}
body = ball {ball} | ball's {ball} | balls' {ball} | hand {hand} | hand's {hand} | hands {hand}
measured = <count> <unit> | (a | an | one) <one_unit> | half {half} a <one_unit> | (a | one) half {half} <one_unit>
  | a quarter {quarter} of a <one_unit> | three quarters {three_quarters} of a <one_unit> | (a | one
  | <count>) <body> (width | widths | breadth | breadths) | a ball's diameter {ball}
about = about | around | roughly | approximately | exactly | precisely | some | circa | approx
length = [<about>] <measured>
span = (between <measured> and | from <measured> to | [<about>] <measured> (to | -)) <measured> | <span_in_unit>
span_in_unit = (between <count> and | [from] <count> (to | -)) <count> <unit>
at_least = (at least | more than | over | a minimum of) <measured>
at_most = (at most | less than | under | within | a maximum of | up to) <measured>
extent = <length> | <span> | <at_least> | <at_most>

coordinate = <count> {metres_meant} | <count> <in_metres> | <count> <other_unit> {converted}
comma = , | ; | , and
x_is = [an | the | get | set] x [coordinate | position | value] [= | : | at | of | to | <to_be> | equals | equal to]
      <coordinate> | <coordinate> in [the] x [direction]
y_is = [a | the | get | set] y [coordinate | position | value] [= | : | at | of | to | <to_be> | equals | equal to]
      <coordinate> | <coordinate> in [the] y [direction]
x_range = x [is | =] (between <coordinate> and | from <coordinate> to) <coordinate>
y_range = y [is | =] (between <coordinate> and | from <coordinate> to) <coordinate>
pair = <coordinate> (<comma> | /) <coordinate> | <pair_in_unit>
pair_in = <coordinate> [<comma> | and | / | '|'] <coordinate> | <pair_in_unit>
pair_in_unit = <count> (<comma> | and) <count> <unit>
inside_brackets = <pair_in> | <x_is> [<comma> | and] <y_is> | <y_is> [<comma> | and] <x_is>
point = <coordinates> [[,] [both] [in] <in_metres> {metres_meant} | '(' [in] <in_metres> {metres_meant} ')']
coordinates = ['(' x (, | / | ;) y ')' [= | : | at] | x (, | / | and) y (= | :)] [the] [(target | landing) (point
  | spot) | point | coordinates | coordinate | position | spot] [(with | has) [the] coordinates] [= | : | at | of
  | is | are] ('(' <inside_brackets> ')' | '[' <inside_brackets> ']' | <pair> | <x_is> [<comma> | and] <y_is>
  | <y_is> [<comma> | and] <x_is>) | (at | at the point | at the coordinates | point) <pair_in> | <x_is> | <y_is>
  | <x_range> | <y_range>

inwards = [to the] inside [of] | in from | inwards from | inward from | from | away from | short of
  | in front of | before
line_x = [the] [far] <side> [hand] <side_line> [<of_table>] | the <side> [hand] side [<of_table>]
from_line = <extent> [to the] (inside [of] | in from | inwards from | inward from | from | away from
  | short of) <line_x> | <extent> [to the] right of the left {left} [hand] <side_line> | <extent> [to the] left of
  the right {right} [hand] <side_line> | <extent> <inwards> <y_edge> | <extent> (behind | beyond | past | after
  | from | away from | back from) <net> {near} | <within> of (<line_x> | <y_edge> | <net> {near})
within = <at_most>
from_corner = <extent> inside <corner>
of_centre = <extent> [to the] <side> of [the] <middle_word> [line | axis] [<of_table>]
across_centre = between <measured> left and <measured> right of the <middle_word> [line]
to_the_side = (<extent> | <metres>) [to the] <side>
over_the_table = (<extent> | <metres>) (behind | beyond | past | from | deep from) <net>
  | (<extent> | <metres>) (deep | long)
metres = <number> | <decimals>
both_ways = <to_the_side> (<comma> | and) <over_the_table> | <over_the_table> (<comma> | and) <to_the_side>

halfway = half way | halfway | midway | mid way
fraction = <halfway> {half} | half {half} | (a | one) third {third} | two thirds {two_thirds} | (a
  | one) quarter {quarter} | three quarters {three_quarters} | <count> ('%' | percent | per cent) {percent}
line = [the] <side> [hand] <side_line> | <y_edge> | <net> {near} | [the] <middle_word> line {centre}
between_lines = (<halfway> | in the middle | the middle | right in the middle | exactly <halfway> |
      exactly in the middle) {half} between <line> and <line>
part_of_way = <fraction> [of the] way from <line> (to | towards) <line>
middle_between = [exactly] (<halfway> | in the middle) {half} {left} {right} between the [two] (side
      lines | sidelines | side edges | edges)
of_depth = <fraction> (of the (depth | length) of | [of the way] (down | into | along | through)) <opponents_half>

height = high | up | tall | in height | high above the table | above the table | above the surface
  | above the table surface
rising = rise | rises | rising | go up | goes up | going up | climb | climbs | climbing | peak | peaks
  | peaking | reach | reaches | reaching | fly | flies | flying
peak = [a | an | the | its | with a | with an | in a | in an] (arc | peak | peak height | maximum height | apex
  | highest point | arc height) [of | at | = | : | is | height of | that is | rising to | reaching] <extent>
  [<height>] | <rising> [to | up to | at] [a height of | a peak of | a peak height of] <extent> [<height>]
  | <extent> <height>
over_net = (clear | clears | clearing | pass | passes | passing | cross | crosses | crossing) <net> (by | with | at
  | at a height of) <extent> [of clearance | clearance | above it] | [with] [a] [net] clearance [of | = | :
  | is] <extent> | <extent> above [the top of] <net> | <extent> [of] [net] clearance
speed = [at | with] [a speed of] [<about>] <count> <speed_unit>
speed_unit = m / s {metre} | (metres | meters) (per | a) second {metre} | (km / h | kmh | kph) {kmh}
  | (kilometres | kilometers | km) (per | an) hour {kmh}
time = <seconds> after (the hit | the stroke | impact | being hit | it is hit | you hit it)
seconds = <count> (s | seconds | second) | half {half} a second | (a | one) second {one}
"""
)
"""Rules of `core.phrase_rules`; `vocabulary_actions` computes what they come to."""
