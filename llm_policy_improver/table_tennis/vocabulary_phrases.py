"""How wishes are put: as ... as possible, high and low, asking politely, and what joins the parts of a sentence."""

from typing import Final

PHRASES: Final = """
possible = possible | physically possible | humanly possible | the table allows | it can go
  | it will go | it goes | it gets | it can | you're able | you're able to
  | (you | it) (can | possibly can | could | are able to | are able | dare) [possibly] [manage | get |
      get it | make it | go | reach | hit it | play it | send it | hit | play | manage it | put it]
  | can be

crest = <net> | the top of <net> | the net's top [edge]

# As ... as possible.
farther = far [over | out | across | off] [to | on | towards | toward] [the] <side> [<hand>] | <side>
  | wide <side> | wide to the <side> | much to the <side> | to the <side> | far out to the <side>
deeper = (deep | long | far back | back | far down the table | far away | far away from <net> | far from
      <net> | far behind <net> | far past <net> | far forward | deep (into | in | on) <table> | far
      beyond <net> | far over <net> | deep down the table) {far}
shorter = (short | close to <net> | near to <net> | near <net> | close behind <net> | tight to <net> |
      close up to <net>) {near}
higher = high [up] [an arc | a trajectory | a peak | in the air | into the air | above the table | up in
      the air | a lob | a ball | an arch | in an arc] {high}
lower = ((close | near) to (the top of <net> | the net's top) | low | low (over | across | above | to |
      past) <net> | (close | tight | closely | tightly | near | flat) over <net> | little (above | over)
      <crest>) {low}
lowest_arc = low (an arc | a trajectory) {flat}
over_net_high = high (over | above | across) <crest> {over}
harder = (hard | fast) {fast} | (soft | softly | gently | gentle | slow | slowly) {slow}
closer = (close | near) [to] (<x_edge> | <y_edge> | <middle> | <corner> | <centre_line> | <point> | the
      <side>)
into_corner = far into <corner>
wish = <into_corner> | <farther> | <deeper> | <shorter> | <higher> | <lower> | <lowest_arc>
  | <over_net_high> | <harder> | <closer>
as_possible = [just | with | by] <as_phrase>
as_phrase = as <wish> ((and | , | but | , but | , and) [as] <wish>)* as <possible>
  | as far as <possible> [over | out | ,] (to | towards | toward | on | into) the <side> [<hand>]
  | <to_side> [,] as (far | much) as <possible> | <side> as far as <possible>
  | as far as <possible> <side> | as much as <possible> to the <side>
  | as far as <possible> {far} (back | down the table | away | away from <net> | from <net> | beyond
      <net> | behind <net>)
  | as (close | near) as <possible> (to | behind) <net> {near}
  | as (close | near) as <possible> to (<x_edge> | <y_edge> | <middle> | <corner> | <centre_line> |
      <point> | the <side>)
  | as low as <possible> (over | across | above | past) <crest> {low}
  | (over | across) <crest> as low as <possible> {low}
  | as little [net] clearance [over <crest>] as <possible> {low}
  | with as low <crest> clearance as <possible> {low}
  | as high as <possible> (over | above) <crest> {over} | as high as <possible> over the table {high}
  | as short as <possible> [over <net>] {near}
  | as (close | near) as <possible> (over <net> | to the top of <net>) {low}
  | as small a [net] clearance [over <crest>] as <possible> {low}
  | with as little height over <crest> as <possible> {low} | with as high an arc as <possible> {high}
  | in as high an arc as <possible> {high}
far_possible = as far as <possible> {far}

# High and low without "as".
most = highest | maximum | maximal | max | greatest | tallest | biggest
arc = arc | arch | trajectory | flight | flight path | peak | peak height | arc height | curve | lob
  | ball | shot | return | height | apex | loop | parabola
ways = [possible | <that_can>]
that_can = [that] (you | it) can [manage | do | make | play | get | go] | you have | you've got
article = a | an | the | your | its | the ball's
high = [with | in | on | at] [<article>] <most> [possible] <arc> [<ways>] {high}
  | [the] highest {high} [possible | you can | you can go]
  | [with | in | on] [<article>] [<emphasis> | nice | nice and | big | big ,] (high | tall) [looping | ,
      looping] <arc> {high}
  | high [up] [in the air | into the air] {high} | <emphasis> high {high} | [way] up high {high}
  | [with] as much height as <possible> {high} | [with] <article> arc as high as <possible> {high}
  | [reach] the highest [possible] point [possible] {high} | high as <possible> {high}
  | [with] [a] lob {high}
  | (maximise | maximize | maximum | max) [the] (height | peak height | arc | arc height | peak | height
      of the (arc | ball)) {high}
  | [the | its | your | the ball's] (arc | peak | trajectory | flight | height | peak height | highest
      point | arc height) [should be | must be | shall be] (as high as <possible> | maximal | as large
      as <possible> | as great as <possible>) {high}
least = lowest | smallest | minimum | minimal | least | min
low = [the] lowest [possible] [way | pass | height | flight] (over | across | above | past) <crest>
      [possible] {low}
  | [the] lowest [possible] (ball | shot | return) [possible] over <crest> {low}
  | (barely | only just | narrowly) over <crest> {low}
  | (lift | toss | throw | lob | loft) <ball> as high as <possible> {high}
  | (lift | toss | lob | loft) <ball> [up] high {high}
  | [very | really | nice and | just | super | keeping it | stay | staying | pass | passing | passes |
      fly | flying] low (over | across | above | past | to) <crest> {low}
  | over <crest> low {low} | [very | really | nice and | super] low {low}
  | (skim | skims | skimming | shave | shaving | shaves) [just | low] [over | across | above] <crest>
      {low}
  | (just | only just | barely | just barely | narrowly) (clear | pass over | pass | clears | clearing |
      skim | skims | skimming) <crest> {low}
  | [the | a] (<least> [possible] [net] clearance | lowest net crossing) [over <crest> | above <crest>]
      [possible] {low}
  | (minimise | minimize) [the] ([net] clearance [over <crest>] | height (over | above) <crest>) {low}
  | [the] <least> [possible] height (over | above) <crest> {low}
  | [the] lowest over <crest> [<ways>] {low}
  | (clear | pass | cross) <crest> by as little as <possible> {low}
  | <crosses> <crest> (as low as <possible> | low | at the lowest [possible] height) {low}
  | (pass | fly | flying | go | stay | passing) as low as <possible> (over | across | above | past)
      <crest> {low}
  | (pass | fly | flying | go | stay | passing) as low (over | across | above | past) <crest> as
      <possible> {low}
  | [the] ([net] clearance [over <crest>] | height over <crest>) [as] (small | low) as <possible> {low}
  | over <crest> with [the | a] (<least> clearance | as little clearance as <possible>) {low}
  | [the] lowest [possible] (arc | trajectory) [possible | you can] {flat}
crosses = cross | crosses | crossing | pass over | passes over | passing over | pass | passes
  | passing | clear | clears | clearing | go over | goes over | going over | fly over | flies over
  | flying over | fly | over

# Asking.
greeting = hey | hi | hello | ok | okay | alright | all right | robot | mr robot | dear robot | please
  | now | so | well | yo
ball = it | the ball | this ball | that ball | this one | the next ball | the next one | every ball
  | each ball | all balls | all the balls | your return | your returns | the return | returns
  | your shot | the shot | every return | each return | the balls | balls | ball | a ball | every shot
  | each shot | shots | everything | them | the next return | the next shot | all your returns
  | all returns | a return | a shot | the ping pong ball | my ball | my shot | my serve | my return
land = land | lands | landing | bounce | bounces | bouncing | drop | come down | comes down
  | coming down | touch down | touches down | touching down | go | goes | going | be | to be | arrive
  | hit the table | hits the table | fall | falls | end up | ends up | ending up | strike the table
  | first bounces | first bounce | be placed | be played | be hit | come | fly | flies | flying | rise
  | rises | reach | reaches | reaching | stay | stays | climb
hit = hit | play | put | place | land | send | return | drop | shoot | aim | aim for | knock | whack
  | bang | stick | get | make | let | keep | bring | deliver | direct | target | go | go for | try
  | bounce | fire | pop | plop | dump | tap | smack | tuck | thump | slam | steer | guide | angle
  | strike | sink | nail | position | hitting | playing | placing | putting | sending | returning
  | aiming | landing | aiming for | push | pass | plant | point | head for | find | stay | stays
ask = please | kindly | (can | could | would | will) (you | we) [please | kindly]
  | would you mind [please] | i want [you to] | i need [you to] | i would like [you to]
  | i'd like [you to] | i would love | i'd love | let's | let us | we want | try to | try and
  | you should | you must | your (goal | aim | task | job | target) is [to] | make sure [that]
  | see that | see to it that | i wish | i'd prefer | i prefer | we need | always
  | my (target | goal | aim | wish) is | the robot should | robot should | now | next | your target is
  | i want to see | i'd love to see | i would love to see | i would like to see | i'd like to see
  | give me | show me | go ahead and | this time
labels = (target | goal | objective | aim | task | wish | destination | landing point | landing spot |
      target point | landing position | the target is | the goal is | aim is | the target | bounce |
      next ball | your (task | job | goal | target)) [: | = | is]
first_bounce = (its | the) (first bounce | bounce | landing) [should be | must be | shall be | is]
  | with the (bounce | landing)
wanting = give (it | the ball)
  | [just | simply] <hit> [<ball>] [back | down | up] [over [to | the net] | over <net> and [land it |
      make it land | let it land]] [so [that] it [<land>] | such that it <land> | to <land> | <land> |
      again]
  | <ball> [please | kindly] [should | must | shall | has to | needs to | is to | will | to | ought to]
      [please] <land>
  | <land> | <first_bounce> | (make | let | have | get) <ball> [to] (<land> | rise | fly | go up)
  | (can | could) <ball> (please | kindly) [<land>] | <ball> should
opening = [<greeting>] [,] [<greeting>] [, | ! | . | :] [<ask>] [,] [<ask>] [<labels>]
lead = <opening> [<wanting>]
plain_want = <plain_hit> [<ball>] | (make | let | get) <ball> [to] (go | land | bounce)
  | <ball> (should | must | shall | has to | needs to | to) (go | land | bounce)
setting = (land | drop | bounce | place | put | play | return | keep) [<ball>]
plain_hit = hit | play | put | place | aim | go | land | send | shoot | keep | return | drop | knock
  | direct | bounce | deliver

# Joining.
mark = , | ; | / | & | + | - | .
conjunction = and | but | yet | with | while | plus | and also | but also | and please | also | still
  | ideally
joined = that (lands | bounces | goes) | give it | so [that] it [<land>] | such that it [<land>]
  | and it <land> | (it | which) (should | must | shall) <land> | <hit> [<ball>] | <ball> <land>
  | landing [it] | <land> | with | in | make it | make it <land> | please | with it <land>
  | (make | keep | let | have) (it | the ball)
join = <mark> [<conjunction>] [<joined>] | <conjunction> [<joined>] | and <mark> [<joined>]
  | landing [it] | bouncing | dropping | [and] that (lands | bounces | goes) | so [that] it [<land>]
  | such that it [<land>]
closing = please | thanks | thank you | thx | ta | mate | robot | this time | for me | buddy | pal
  | if possible | if you can | if you please | again | cheers | thank you very much | many thanks | dude
  | man | okay | ok | every time | each time | always | my friend | friend | sir | on the table
  | (in | within | for) <number> <trials> | too | as well | is (my | the | your) (target | goal | aim)
  | is where (i want it | it should land) | on <opponents_half> | every single time
trials = trials | tries | attempts | balls | shots | trial | rounds
end = ([,] <closing>)* [. | ! | . . . | ! ! | ! ! !]

# A sentence.
bare = <side> | <far_possible>
flight = <high> | <low> | <peak> | <over_net> | <speed> | <time> | <speed_word>
speed_word = at full (speed | power) {fast} | with full (power | force) {fast}
  | with maximum (speed | power) {fast}
deep_side = [<emphasis>] (<deep_side_words>)
deep_side_words = [to] the back {far} <side>
  | (<deep_or_short> | back {far} | rear {far} | front {near} | near {near}) <side> [side]
  | the deep {far} <side> | <side> <deep_or_short>
  | [the] (far end | end line | baseline | back line) {far} <side>
deep_or_short = deep {far} | long {far} | short {near}
ball_noun = [a | the] [nice | good] [very | really] (deep {far} | long {far} | short {near} | longest
      {far} | deepest {far} | shortest {near} | high {high} | high , deep {high} {far} | short , low
      {near} {low} | low {low}) (ball | shot | return | one | hit | drive) [possible | you can]
far_and_side = (far | way back) {far} and [to the | on the] <side> | [to the] <side> and far {far}
depth = along <y_edge> | (just | right | shortly) (short of | before) <y_edge>
  | [<emphasis>] (<deep> {far} | <short> {near} | <near_net> {near}) [possible | you can | of all]
  | (deep {far} | long {far} | short {near}) (into | in | on | onto) <table>
solid = <far_side> | <to_side> | <the_side> | <place> | <to> <place> | <nearby> <place> | <point>
  | <to> <point> | <depth> | <as_possible> | <flight> | <deep_side> | <deep_middle> | <middle_of_net>
  | <from_line> | <from_corner> | <of_centre> | <across_centre> | <over_the_table> | <both_ways>
  | <between_lines> | <part_of_way> | <middle_between> | <of_depth> | <ball_noun> | <far_and_side>
  | (at | to | around | about) (<both_ways> | <from_line> | <over_the_table> | <between_lines> |
      <part_of_way> | <of_depth> | <of_centre>)
attached = <to_side> | <to> <place> | <nearby> <place> | <centre_line> | down <x_edge> | <to> <point>
  | <as_possible> | <near_net> {near} | <at_net> {near} | with [a | an] <flight> | in <high> | <speed>
  | <low_over> | at <y_edge>
low_over = low (over | across) <crest> {low}
wished = <solid> (<attached>)*
later = <wished> | <bare> | <at_net> {near}
# A bare "right, " may be no side; "the ball left" may be no wish.
bare_join = , | ; | / | & | + | [,] <conjunction> [<joined>]
sentence = (<lead> <wished> (<join> <later>)* | <opening> [<setting>] <at_net> {near} (<join> <later>)*
      | <lead> <ball> [please | ,] <wished> (<join> <later>)* | (<opening> [<plain_want>] <side> |
      <lead> <far_possible>) [<bare_join> <later> (<join> <later>)*]) <end>
"""
"""Rules of `core.phrase_rules`; `vocabulary` says what their tags mean."""
