"""How wishes are framed: greeting, asking, saying that it is a goal, and when. It carries no place."""

from typing import Final

FRAMING: Final = """
# Who is spoken to.
greeting = <discourse> | hey | hi [there] | hello [there] | yo | [mr | dear | hey] robot | [my] friend
  | mate | buddy
discourse = ok | okay | alright | all right | now | so , | well | next
polite = (please | pls | kindly) [to]

# The ball, and the trial that the wish is for.
det = the | a | an | this | that | your | my | our | every | each
ball_name = ball | balls | return | returns | shot | shots | serve
ball = it | them | everything | [<det>] [next | ping pong | table tennis] <ball_name>
  | all [the | your] <ball_name> | (this | the next) one
trial = trial | trials | tries | attempt | attempts | round | rounds | run | runs | shot | shots | test
  | tests | experiment | turn | ball | balls | one | session | exercise
when = (the | this | each | every | [the | your | our] (next | current | present | following | coming))
      <trial>
occasion = (for | in | on | during) <when> | this (time | round) | for (today | now) | today
  | every [single] time | each time

# What it is called.
goal_name = goal | objective | aim | task | target | mission | job | wish | requirement | purpose | plan
  | idea | intention | destination | request | order | preference | challenge | instruction
  | ([desired | target | intended] (landing | target | impact | touchdown | bounce)) [point | spot |
      position | place | location | coordinates] | next ball | [first] bounce
goal = [the | today's | a | your | my | our | its | this] [main | current | next | new | only | primary]
      <goal_name> (<occasion> | of <when>)*
label = <goal> [is | are] (: | = | -)
goal_is = [all | what] (i | we) want is [for] | <goal> (is | are) [now | simply | just] [to | that | for]
  | <goal> <modal> (be | lie) [at]

# Asking for it.
modal = should | shall | must | has to | have to | needs to | need to | ought to | is to | are to | will
  | would | to | (is | are) (supposed | meant | required | asked | expected | intended) to
system = [the | our] (robot | system | machine | controller) | you | we
adverb = always | ideally | preferably | just | simply
asking = (can | could | would | will) (you | we) | would you (mind | be so kind [as] to | be able to)
  | let's | let us | (how | what) about | (try | attempt) [to | and] | (do | try) your best to | aim to
  | give me | (make sure | ensure | be sure | take care) [that | to] | see (that | to it that)
  | go ahead and | it is (required | requested | desired) that
wishing = (i | we) [do | kindly] (want | need | wish | prefer | require | expect | hope [for] | ask [for]
      | request | demand) | ((i | we) would | i'd | we'd) (like | love | prefer)
  | (i'm | we're | i am | we are) (looking for | aiming for | hoping for | after | asking for)
complement = [that] you [to] | that | for
request = <asking> | <wishing> [<complement>] | <welcome> if you (could | can | would)
shown = <wishing> to (see | have) | (let me | let us | let's) see | show me
welcome = ((it | that) would | it'd) be <nice> | (i | we) would be <nice> | (i'd | we'd) be <nice>
  | (i'd | i would | we'd | we would) (appreciate | like | love) it
nice = [very | really] (nice | great | good | happy | glad | perfect | lovely | fantastic | awesome |
      pleased | wonderful | cool | grateful | best | ideal)

# What the ball should do.
move = land | bounce | drop | come [down] | touch down | go [up] | fall | end up | arrive | fly | rise
  | reach | climb | travel | finish [up] | (hit | strike | touch | contact) [the table]
land = <move> | stay | have | be [<done> | <landing>]
lands = lands | bounces | drops | comes down | touches down | goes
  | (hits | strikes | touches) [the table] | has | falls | ends up | flies | rises | reaches | stays
  | is [<done>] | first bounces | arrives
landed = landed | bounced | dropped | came down | touched down | went | ended up | fell
  | (would | could) <land>
landing = landing | bouncing | dropping | coming down | going | touching down | flying | rising
  | ending up | reaching
done = placed | played | hit | returned | put | sent | landed | dropped | delivered | directed | aimed
  | shot | kept | lifted
strike = hit | play | put | place | land | send | return | drop | shoot | aim [for] | knock | whack | bang
  | stick | get | bring | deliver | direct | target | bounce | fire | pop | plop | dump | tap | smack
  | tuck | thump | slam | steer | guide | angle | strike | sink | nail | position | push | plant | lay
  | deposit
hit = <strike> | make | let | keep | go [for] | try [for | to] | head for | touch | hitting | playing
  | placing | putting | sending | returning | landing | (aiming | shooting) [for]
spot = (a | the | some | that) (spot | place | point | position | area | location) [that is | which is]
happening = <land> | <lands> | <landing>
so_that = so [that] | such that | in such a way that | in a way that | and
over_it = over (to | <net>) | over <net> and
wanting = (give | get) (it | <ball>) | <system> <modal> [<adverb>] (<strike> [<ball>] | go for)
  | pass <ball>
  | <hit> [<ball>] [back | down | up | flying] [<over_it>] [<spot> | <so_that> (it [<happening>] | <hit> it) | to
      <land> | again] | <hit> [<ball>] over <net> and let it land
  | <ball> [<polite>] <modal> [<polite> | <adverb>] [<land>] | <move> | <lands>
  | <welcome> if you <hit> [<ball>] | <wishing> to <strike> [<ball>]
  | (make | let | have | get) <ball> [to] <land> | (can | could) <ball> <polite> [<land>]
  | with the (bounce | landing)
# Whoever only tells what a ball does asks for nothing: some asking must come before it.
stated = (<request> [<polite>] | <label> | <goal_is>) (<ball> (<lands> | <land> | <landing>) | <landing>
      | <ball>) | <shown> <ball> [[to] <land> | <lands> | <landing>]
  | <welcome> if (<ball> (<landed> | <lands>) | you <landed>)
opening = (<greeting> [, | ! | . | :] | <polite> [, | :] | <occasion> (, | :) | <request> [, | :] |
      <label>)*
calling = (<polite> [, | :] | <occasion> (, | :) | <label> | <greeting> (, | ! | . | :))*
lead = <calling> stay
  | <opening> [<polite>] [<occasion>] [<goal_is> | <goal>] [<polite> | <adverb>] [<wanting> | <stated> |
      <spot>]
plain_hit = try [for] | hit | play | put | place | aim | go | land | send | shoot | keep | return | drop
  | knock | direct | bounce | deliver
plain_want = [just | simply] <plain_hit> [<ball>] | (make | let | get) <ball> [to] (go | land | bounce)
  | <ball> (should | must | shall | has to | needs to | to) (go | land | bounce)
setting = (land | drop | bounce | place | put | play | return | keep) [<ball>]

# Thanks and what else comes last.
closing = <polite> | thanks [a lot] | thank you [very much] | many thanks | thx | ta | mate | robot
  | [my] friend | for me | buddy | pal | sir | dude | man | ok | okay | cheers | again | always
  | <accurately> | (in | within | for) [the next] <number> <trial> | if (possible | you can | you please)
  | too | as well | <occasion> | on the table | on <opponents_half> | is <goal>
  | is where (i want it | it should (land | go)) | is what i want | would be <nice> | it is
end = ([,] <closing>)* [. | ! | . . . | ! ! | ! ! !]
"""
"""Rules of `core.phrase_rules`; `vocabulary` says what their tags mean."""
