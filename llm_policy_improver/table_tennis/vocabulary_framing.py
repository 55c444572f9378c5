"""How wishes are framed: greeting, asking, saying that it is a goal, and when. It carries no place.

Two classes of verbs: what the robot does to the ball, and what the ball does.
"""

from typing import Final

FRAMING: Final = """
# Who is spoken to, and what only fills a pause.
greeting = <discourse> | [good] (morning | afternoon | evening) | hey | hi [there] | hello [there] | yo | [mr
  | dear | hey] robot | [my] friend | mate | buddy
discourse = ok | okay | alright | all right | now | so , | well | next | and now | [so] (basically | actually
  | honestly) | you know , | (i think | i guess | i suppose | i'd say | i would say) [that]
polite = (please | pls | kindly) [to]

# The ball, and the trial that the wish is for.
det = the | a | an | one | this | that | your | my | our | every | each
ball_name = ball | balls | return | returns | shot | shots | serve
which_ball = next | returned | ping pong | table tennis
ball = it | them | everything | <det> [<which_ball>] <ball_name> | [<which_ball>] (ball | balls)
  | all [the | your] <ball_name> | (this | the next) one
trial = trial | trials | tries | attempt | attempts | round | rounds | run | runs | shot | shots | test
  | tests | experiment | turn | ball | balls | one | session | exercise
when = (the | this | each | every | [the | your | our] (next | current | present | following | coming)) <trial>
occasion = (for | in | on | during) <when> | this (time | round) | for (today | now) | today
  | every [single] time | each time

# What it is called.
goal_name = goal | objective | aim | task | target | mission | job | wish | requirement | purpose | plan | idea
  | intention | destination | request | order | preference | challenge | instruction | dream | ([desired | target
  | intended] (landing | target | impact | touchdown | bounce)) [point | spot | position | place | location | area
  | coordinates] | next ball | [first] bounce | (best | nicest | ideal) [thing | place | spot]
goal = [the | today's | a | your | my | our | its | this | the ball's] [main | current | next | new | only |
      primary] <goal_name> (<occasion> | of <when>)*
numbered = [# | no | no . | nr | number] <number> | <letters> - <number>
letters = r | req | o | obj
label = <goal> [<in_what>] [is | are] (: | = | -) | (<goal> <numbered> | <letters> - <number>) :
in_what = in <in_metres> {metres_meant}
goal_is = [so] (what | all | where) (<wishing> | <after>) [<ball>] [to <land>] is [<complement> | to]
  | <goal> ((is | are) [now | simply | just] [to | that | for] | <modal> (be | lie) [at | that])

# Asking for it.
is_to = is to | are to
modal = should | shall | must | has to | have to | needs to | need to | ought to | will
  | would | to | (is | are) (supposed | meant | required | requested | asked | expected | intended) to
you = you | ya
system = [the | our] (robot | system | machine | controller) | <you> | we
adverb = always | preferably | just | simply | <hoped>
hoped = ideally | hopefully
asking = (can | could | would | will) (<you> | we)
  | would you (mind | be so kind [as] to | be able to) | let's | let us | (how | what) about [we | you] | (try
  | attempt) [to | and] | aim to | give me | gimme | (do | try) your best to | (make [sure] | ensure | be sure
  | take care) that | (make | be) sure [to] | ensure | see (that | to it that) | go ahead and | it is (required
  | requested | desired) that | may (i | we) ask <you> to | gonna need <you> to | do me a favour and
wishing = [i | we | <would>] [<much>] (want | need) | (i | we) [<much>] (wish | prefer | require | expect
  | hope [for] | ask [for] | request | demand) | <would> ([<much>] (like | love | prefer) | be <nice> with)
  | <being> <aiming>
may_have = (can | could | may) (i | we) (have | do)
much = do | kindly | really | just
would = (i | we) would | i'd | we'd
being = i'm | we're | i am | we are
aiming = aiming for | hoping for | asking for
after = <being> (<aiming> | looking for | going for | after)
want_to = <wishing> to | (i | we) wanna
complement = that | for
request = [so [now]] (<asking> | <wishing> [<complement>] | <welcome> if <you> (could | can | would))
shown = <want_to> (see | have) | (let me | let us | let's) (see | have) | show me
welcome = [it | that] would be <nice> | it'd be <nice> | <would> (be <nice> | (appreciate | like | love) it)
nice = [very | really] (nice | great | good | happy | glad | perfect | lovely | fantastic | awesome |
      pleased | wonderful | cool | grateful | best | ideal)

# What the robot does to the ball, which goes without saying only for the first of these; and what the ball does.
alone = hit | play | put | place | send | shoot [for] | aim [for] | target | direct | knock | deliver | strike
take = return | land | drop | bounce | bring | get | push | drive | lift | steer | guide | position | move | keep
  | whack | bang | stick | fire | pop | plop | dump | tap | smack | tuck | thump | slam | angle | sink | nail
  | plant | lay | deposit | shift | dink | flick | chip | roll | float | carry | serve | pass | set down
done = placed | played | hit | returned | put | sent | landed | dropped | delivered | directed | aimed | shot
  | kept | lifted | brought | driven | pushed | bounced
hitting = hitting | playing | placing | putting | sending | returning | landing | (aiming | shooting) [for]
strike = <alone> | <take>
move = land | bounce | drop | come [down | in] | touch down | go [up] | fall | end up | arrive | fly | rise | die
  | reach | climb | travel | finish [up] | (hit | strike | touch | contact) [the table]
land = <move> | stay | have | be [<done> | <landing>]
comes = lands | [first] bounces | drops | comes [down | in] | touches down | goes [up] | falls | ends up | arrives
  | flies | rises | dies | reaches | finishes [up] | (hits | strikes | touches) [the table]
lands = <comes> | has | stays | is [<done>]
landing = landing | bouncing | dropping | coming [down] | going [up] | touching down | flying | rising | ending up
  | reaching | dying | falling | finishing [up]
landed = landed | bounced | dropped | came [down | in] | touched down | went [up] | ended up | fell | finished [up]
  | flew | reached | hit | (would | could) <land>
on = [for me] [back | down | up | flying] [<over_it>] [<spot> | <so_that> (it [<happening>] | <strike>
      it) | to <land> | again]
a_ball = (a | one) [<which_ball>] <ball_name> (that | which) [<comes> | (<modal> | <is_to>) <land>]
happens = <lands> | (<modal> | <is_to>) <land>
hit = (<alone> | <hitting> | make | go for | try [for | to] | head for) [(<ball> | one) <on> | <a_ball>]
  | (<take> | let) (<ball> | one) <on>
spot = (a | the | some | that) (spot | place | point | position | area | location) [that is | which is]
happening = <land> | <lands> | <landing>
so_that = so [that] | such that | in such a way that | in a way that | and
over_it = over (to | <net>) | over <net> and
own = land | bounce | touch down | go [up] | fly
wanting = (give | get) (it | <ball>) | <system> <modal> [<adverb>] <does> | <hit> | <own> | <want_to> <does>
  | <ball> [<polite>] (<modal> [<polite> | <adverb>] [<land>] | <is_to> <land>) | <a_ball> | (make | let | have
  | get) <ball> [to] <land> | (can | could) <ball> <polite> [<land>] | with the (bounce | landing)
does = [<asking>] (<hit> | (make | let | have | get) <ball> [to] <land>) | <asking> [that] <event>
# Whoever only tells what a ball does asks for nothing: some asking must come before it.
stated = (<request> [<polite>] | <label> | <goal_is> | <hoped>) (<event> | <landing>) | <shown> <event>
  | (<request> | <goal_is>) <you> [to] [<adverb>] <does>
  | (<welcome> | <goal> would be) if (<ball> [<adverb>] (<landed> | <lands>) | <you> (<done> <ball> | <does>))
event = <a_ball> | (<ball> | one) [<land> | <landing> | <happens>]
opening = (<greeting> [, | ! | . | :] | <polite> [, | :] | <occasion> (, | :) | <request> [, | :] | <label>)*
calling = (<polite> [, | :] | <occasion> (, | :) | <label> | <greeting> (, | ! | . | :))*
lead = <opening> [<polite>] [<occasion>] [<goal_is> | <goal>] [<polite> | <adverb>] [<wanting> | <stated> | <spot>]
plain_hit = try [for] | hit | play | put | place | aim | go | land | send | shoot | return <ball> | drop <ball>
  | keep <ball> | knock | direct | bounce | deliver
plain_want = [just | simply] <plain_hit> [<ball>] | (make | let | get) <ball> [to] (go | land | bounce)
  | <ball> (should | must | shall | has to | needs to | ought to | to) (go | land | bounce)
setting = (land | drop | bounce | place | put | play | return | keep) [<ball>]

# Thanks and what else comes last.
closing = <polite> | thanks [a lot] | thank you [very much] | many thanks | thx | ta | mate | robot | [my] friend
  | for me | buddy | pal | sir | dude | man | ok | okay | cheers | again | always | <accurately> | (in | within
  | for) [the next] <number> <trial> | if (possible | you can | you please) | too | as well | <occasion>
  | on the table | on <opponents_half> | (is | are) <goal> | [is | that's | that is] (where | what) (<wishing>
  [<ball>] [to <land>] | <after> | <ball> <modal> <land>) | you know | would be <nice> | it is | (will | would
  | could | can) <you>
stop = . | ! | . . . | ! ! | ! ! !
end = ([, | . | ! | ?] <closing>)* [<stop>]
terse_end = ([,] <closing>)* [<stop>]
"""
"""Rules of `core.phrase_rules`; `vocabulary` says what their tags mean."""
