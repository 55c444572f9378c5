"""How wishes are put: as ... as possible, high and low, and what joins the parts of a sentence."""

from typing import Final

PHRASES: Final = """
possible = possible | physically possible | humanly possible | the table allows | it can go | it will go | it goes
  | it gets | it can | you're able | you're able to | (you | it) (can | possibly can | could | are able to
  | are able | dare) [possibly] [manage | get | get it | make it | go | reach | hit it | play it | send it | hit
  | play | give it | manage it | put it] | can be

crest = <net> | the top [edge] of <net> | the net's top [edge]

# As ... as possible.
farther = far [over | out | across | off] [to | on | towards | toward] [the] <side> [<hand>] | <side>
  | wide <side> | much [to the] <side>
deeper = (deep | long | far back | back | far down the table | far away | far away from <net> | far from
      <net> | far behind <net> | far past <net> | far forward | deep (into | in | on) <table> | far
      beyond <net> | far over <net> | deep down the table) {far}
shorter = (short | close to <net> | near to <net> | near <net> | close behind <net> | tight to <net> |
      close up to <net>) {near}
higher = high [up] [an arc | a trajectory | a peak | in the air | into the air | above the table | up in
      the air | a lob | a ball | an arch | in an arc] {high}
lower = ((close | near | tight) to (the top of <net> | the net's top) | low | low (over | across | above | to
  | past) <net> | (close | tight | closely | tightly | near | flat) over <net> | little (above | over) <crest>) {low}
lowest_arc = low (an arc | a trajectory) {flat}
over_net_high = high (over | above | across) <crest> {over}
harder = (hard | fast) {fast} | (soft | softly | gently | gentle | slow | slowly) {slow}
closer = (close | near) [to] (<x_edge> | <y_edge> | <middle> | <corner> | <centre_line> | <point> | the <side>)
into_corner = far (into | to | toward | towards) (<corner> | <y_edge> | <x_edge>)
wish = <into_corner> | <farther> | <deeper> | <shorter> | <higher> | <lower> | <lowest_arc>
  | <over_net_high> | <harder> | <closer>
as_possible = [just | with | by | in | both | get] <as_phrase>
as_phrase = as [<emphasis>] <wish> ((and | , | but | , but | , and) [as] <wish>)* as <possible>
  | as far as <possible> [over | out | ,] (to | towards | toward | on | into) the <side> [<hand>]
  | <to_side> [,] as (far | much) as <possible> | <side> [,] as far as <possible> | as far as <possible> <side>
  | as much as <possible> to the <side> | as far as <possible> {far} (back | down the table | away
  | away from <net> | from <net> | beyond <net> | behind <net>) | as (close | near) as <possible> (to
  | behind) <net> {near} | as (close | near) as <possible> to (<x_edge> | <y_edge> | <middle> | <corner>
  | <centre_line> | <point> | the <side>) | as (low | flat) as <possible> <over_crest> {low} | as little [net]
  clearance [over <crest>] as <possible> {low} | as high as <possible> (over | above) <crest> {over} | (over
  | <cross>) <crest> [,] as high as <possible> {over} | as (close | near | tight) to the (<side_line>
  | side) as <possible> {same_side} | as high as <possible> over the table {high} | as short as <possible> [over
  <net>] {near} | as (close | near) as <possible> (over <net> | to the top of <net>) {low} | as small a [net]
  clearance [over <crest>] as <possible> {low}
far_possible = as far as <possible> {far}

# High and low without "as".
highest = highest | maximum | maximal | max | tallest
biggest = greatest | biggest | largest
least = lowest | smallest | minimum | minimal | least | min | tiniest
largest = maximised | maximized | as (high | large | great | big | tall) as <possible>
  | [the] (<highest> | <biggest>) [possible]
smallest = minimised | minimized | as (small | low | little | tiny) as <possible> | [the] <least> [possible]
to_be = : | = | is [to be] | <modal> be
tallness = [peak | arc | maximum] height | arc | arch | peak | apex | highest point
rise = <tallness> | trajectory | flight [path] | parabola | curve
arc = <rise> | lob | ball | shot | return | loop
ways = [possible | <that_can>]
that_can = [that] (you | it) can [manage | hit | do | make | play | get | go] | you have | you've got
article = a | an | the | your | its | the ball's | ball's
of_ball = of <article> (ball | arc | trajectory | flight)
high = [with | in | on | at | reach] [<article>] (<highest> [possible] <arc> | <biggest> [possible] <rise>) [<ways>]
  {high} | [the] highest {high} [possible | you can | you can go] | [with | in | on] [<article>] [<emphasis> | nice
  | nice and | big | big ,] (high | tall) [looping | , looping] <arc> {high} | [<emphasis> | way up] high {high} [up]
  [in the air | into the air | up in the air] | [with | get] as much height as <possible> {high}
  | high as <possible> {high} | [reach] the highest [possible] point [possible] {high} | [with
  | in] [a] [<emphasis>] [nice | big | huge] lob {high} | lob <ball> [up] [high] {high} | (maximise | maximize
  | maximum | max) [<article>] <tallness> [<of_ball>] {high} | [with] [<article>] <rise> [<of_ball>] [<to_be>]
  <largest> {high} | (lift | toss | throw | loft) <ball> (as high as <possible> | [up] high) {high}
clearance = [the | its] ([net] clearance [(over | above) <crest>] | (height | gap) (over | above) <crest>)
fly = pass | passes | passing | fly | flies | flying | go | goes | going | sail | travel
cross = [<is_to>] (cross | crosses | crossing | pass | passes | passing | clear | clears | clearing | <fly> over
  | skim | skims | skimming)
over_crest = (over | across | above | past | when [it] <cross>) <crest>
tightly = [<emphasis>] low | as (low | flat | close | closely | tight | tightly | near) as <possible>
  | at the lowest [possible] height | by as little as <possible> | (with | by) [the | a] <least> [possible] ([net]
  clearance | margin) | with as little (clearance | height | room | space) as <possible>
low = (<cross> | [just] over) <crest> [,] <tightly> {low} | [<fly> | just] [<emphasis>] low [<over_crest>
  | to <crest>] {low} | <fly> as low (as <possible> <over_crest> | <over_crest> as <possible>) {low}
  | [the] lowest {low} [possible] [way | pass | height | flight | ball | shot | return] [possible] <over_crest>
  [<ways>] | [<fly>] ((barely | only just | narrowly) over | just above) <crest> {low} | (skim | skims | skimming
  | shave | shaves | shaving) [<ball>] [just | low] [over | across | above] <crest> {low} | [just] (just
  | only just | barely | just barely | narrowly) <cross> <crest> {low} | [the | a] (<least> [possible] [net]
  clearance | lowest net crossing) [<over_crest>] [possible] {low} | (minimise | minimize) <clearance> {low}
  | [keep] <clearance> [<to_be>] <smallest> {low} | [the] lowest [possible] (arc | trajectory) [possible
  | you can] {flat}
deepest = (maximise | maximize | maximum | max) [the] [landing] depth
  | [the] [landing] depth [<to_be>] (<largest> | as deep as <possible>)

# Joining.
mark = , | ; | / | & | + | - | .
conjunction = and | but {but} | yet | with | while | plus | and also | but {but} also | also | still | ideally
joined = [<request>] [<polite>] <wanting> | <polite> | with [it <land>] | in | (it | which) <modal> <land>
  | [<ball>] <happening>
aside = [,] (<polite> | you know)
join = [<aside>] (<mark> [<conjunction>] | <conjunction> | and <mark>) [<joined>] | <landing>
  | [and] that <lands> | <so_that> it [<happening>] | <ball> <modal> [<land>]
free = [and | but] ((<axis> | the rest) <whatever> | [i] don't care about (<axis> | the rest) | any <axis>)
axis = [the] (x {free_x} | y {free_y} | (depth | length) {free_y} | side {free_x} | height {free_height})
  [coordinate | value]
whatever = doesn't matter | [i] don't care [about] | (is | can be) (up to <you> | free | open | anything)

# A sentence.
bare = <side> | <far_possible>
flight = <high> | <low> | <peak> | <over_net> | <speed> | <time> | <speed_word>
speed_word = at full (speed | power) {fast} | with full (power | force) {fast} | with maximum (speed | power) {fast}
deep_side = [<emphasis>] (<deep_side_words>)
deep_side_words = [to] the back {far} <side> | <side> and far {far} | (far | way back) {far} and [to the
  | on the] <side> | (<deep_or_short> | back {far} | rear {far} | front {near} | near {near}) <side> [side]
  | the deep {far} <side> | <side> <deep_or_short> | [the] (far end | end line | baseline | back line) {far} <side>
deep_or_short = deep {far} | long {far} | short {near}
ball_noun = [a | the] [<emphasis> | nice | good] drop shot {near} | [a | the] [nice | good] [very
  | really] (deep {far} | long {far} | short {near} | longest {far} | deepest {far} | shortest {near} | high {high}
  | high , deep {high} {far} | short , low {near} {low} | low {low}) [possible] (ball | shot | return | one | hit
  | drive) [<ways>]
depth = <the_end> {far} [of it] | <deepest> {far} | along <y_edge> | (just | right | shortly) (short of
  | before) <y_edge> | <best> the better | (maximise | maximize | maximum) [landing] (x {right} | y {far})
  | (minimise | minimize | minimum) [landing] (x {left} | y {near}) | [<emphasis>] (<deep> {far} | <short> {near}
  | <near_net> {near}) [possible | you can | of all] | (deep {far} | long {far} | short {near}) (into | in | on
  | onto) <table>
best = the (higher {high} | (deeper | longer) {far} | shorter {near} | lower over <net> {low} | (further |
      farther) ([to the] <side> | (away from | from) <net> {far}) | (closer | nearer) to (<net> {near} |
      <x_edge> | <y_edge> | <corner> | <middle> | <centre_line>))
solid = <far_side> | <to_side> | <the_side> | <place> | <to> <place> | <nearby> <place> | <point> | <to> <point>
  | <depth> | <as_possible> | <flight> | <deep_side> | <deep_middle> | <middle_of_net> | <from_line>
  | <from_corner> | <of_centre> | <across_centre> | <over_the_table> | <both_ways> | <between_lines>
  | <part_of_way> | <middle_between> | <of_depth> | <ball_noun> | (at | to | around | about) (<both_ways>
  | <from_line> | <over_the_table> | <between_lines> | <part_of_way> | <of_depth> | <of_centre>)
attached = <to_side> | <to> <place> | <nearby> <place> | <centre_line> | <to> <point> | <as_possible>
  | <near_net> {near} | <at_net> {near} | <the_end> {far} | in <high> | <speed> | <low_over>
low_over = low (over | across) <crest> {low}
wished = [<flight> [,] [and] then <happening>] [somewhere | anywhere {anywhere}] <solid> (<attached>)*
# A bare "right, " may be no side; "the ball left" may be no wish; "right" may mean that something is so.
more = <join> (<wished> | <at_net> {near}) | (<mark> | [,] <conjunction>) [<plain_want>] <bare> | [<mark>] <free>
more_to_side = (<mark> | [,] <conjunction> [<joined>]) (<wished> | <at_net> {near} | <bare>)
terse = <opening> [<occasion>] <plain_want> <side> | [<greeting>] left {left} | <calling> <side>
wishes = <calling> <shown> (<flight> | <ball_noun>) | <lead> [<ball> [please | ,]] <wished> | <calling> (<after>
  [<a_ball>] | <may_have> [<ball> | <a_ball>]) <wished> | <calling> stay (<to> <centre_line> | <as_possible>)
  | <opening> [<setting>] <at_net> {near} | <lead> <far_possible>
sentence = <wishes> (<more>)* <end> | <terse> [<more_to_side> (<more>)*] <terse_end>
"""
"""Rules of `core.phrase_rules`; `vocabulary` says what their tags mean."""
