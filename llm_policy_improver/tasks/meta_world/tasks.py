"""Button-press, pick-place, door-open and drawer-open of Meta-World, as in the paper on PromptPO (arXiv 2605.30719).

Facts from the source of Meta-World 3.0 (`envs/sawyer_*_v3.py`, reward version 2). Some of its rewards look at the point
between the finger tips, which is not observed; it keeps within 12 mm of a point 45 mm below the hand. So the rewards of
button and puck are told nearly, those of door and drawer exactly.
"""

from typing import Final

from llm_policy_improver.tasks.meta_world.task import (
    REWARD_PARTS,
    SCALAR_FIRST,
    SCALAR_LAST,
    MetaWorldTask,
    arm_brief,
)

BUTTON_PRESS: Final = MetaWorldTask(
    'button-press-v3',
    arm_brief(
        'The aim is to press a button on the front of a box, which means to push it along positive y until its y '
        'is within 0.02 m of the goal. The box stands at a random place. The reward cannot be told exactly, as the '
        'tip of the gripper is not observed; with the tip 0.045 m below the hand it is nearly right.',
        'button',
        SCALAR_FIRST,
        ((-0.5, 0.5), (0.4, 1.0), (0.05, 0.5)),
        REWARD_PARTS
        + '''
TIP_BELOW_HAND = 0.045  # m
TIP_AT_FIRST = (0.005, 0.400, 0.151)  # m
TRAVEL = 0.0935  # m, of the button


def reward(obs, action, next_obs):
    """An open gripper near the button pays up to 2, pressing it with the tip near it up to 8 more; nearly right."""
    x, y, z, opening = next_obs[:4]
    button = next_obs[4:7]
    from_tip = math.dist(button, (x, y, z - TIP_BELOW_HAND))
    at_button = near(from_tip, 0.05, math.dist(button, TIP_AT_FIRST))
    pays = 2.0 * both(opening, at_button)
    if from_tip <= 0.05:
        pays += 8.0 * near(abs(next_obs[37] - button[1]), 0.005, TRAVEL)
    return pays
''',
    ),
)

PICK_PLACE: Final = MetaWorldTask(
    'pick-place-v3',
    arm_brief(
        'The aim is to grip a puck on the table and to carry it to within 0.07 m of a goal in the air. Puck and '
        'goal are at random places. The reward cannot be told exactly: up to 1 is paid for fingers around the '
        'puck, which are not observed, and what a lifted puck pays depends on how far from the goal it was at '
        'first.',
        'puck',
        SCALAR_LAST,
        ((-0.1, 0.1), (0.8, 0.9), (0.05, 0.3)),
        REWARD_PARTS
        + '''
TIP_BELOW_HAND = 0.045  # m
LIFTED = 0.03  # m, height of a puck that has left the table
USUAL_DISTANCE = 0.25  # m, of puck and goal at first; the true one is what counts


def reward(obs, action, next_obs):
    """10 at the goal; a lifted puck between the fingers pays about 1 to 6; up to 1 more for fingers around it."""
    x, y, z, opening = next_obs[:4]
    puck, goal = next_obs[4:7], next_obs[36:39]
    from_goal = math.dist(puck, goal)
    if from_goal < 0.05:
        return 10.0
    in_grip = math.dist(puck, (x, y, z - TIP_BELOW_HAND)) < 0.02 and opening > 0.0
    if in_grip and puck[2] > LIFTED:
        return 1.0 + 5.0 * near(from_goal, 0.05, USUAL_DISTANCE)
    return 0.0
''',
    ),
)

DOOR_OPEN: Final = MetaWorldTask(
    'door-open-v3',
    arm_brief(
        'The aim is to open a door by its handle, until the x of the handle is within 0.08 m of the goal. The door '
        'hangs at a random place and turns about a vertical axis.',
        'handle',
        SCALAR_LAST,
        ((-0.3, -0.2), (0.4, 0.5), (0.1499, 0.1501)),
        REWARD_PARTS
        + '''
CLOSED = (0.690759, -0.150621, 0.690879, 0.151171)  # quaternion x, y, z, w of the handle while the door is closed


def door_angle(handle):
    """How far the door is open, in rad, from the quaternion x, y, z, w of its handle."""
    x, y, z, w = handle
    a, b, c, d = CLOSED
    return -2.0 * math.atan2(z * d - w * c - x * b + y * a, w * d + x * a + y * b + z * c)


def reward(obs, action, next_obs):
    """Gripping with the hand at the handle pays up to 2, opening up to 8; 10 once it is open."""
    if abs(next_obs[4] - next_obs[36]) <= 0.08:
        return 10.0
    hand = next_obs[:3]
    handle_x, handle_y, handle_z = next_obs[4:7]
    # The hand must come from above: a funnel about the handle, higher further away.
    radius = math.dist(hand[:2], (handle_x - 0.05, handle_y))
    floor = 0.04 * math.log(radius - 0.12) + 0.4 if radius > 0.12 else 0.0
    above = 1.0 if hand[2] >= floor else near(floor - hand[2], 0.01, floor / 2.0)
    at_handle = near(math.dist(hand, (handle_x, handle_y + 0.03, handle_z - 0.01)), 0.06, 0.5)
    angle = door_angle(next_obs[7:11])
    moved = 0.2 if angle > math.pi / 90.0 else 0.0
    opened = moved + 0.8 * near(2.0 * math.pi / 3.0 - angle, 0.5, math.pi / 3.0)
    return 2.0 * both(both(above, at_handle), (action[3] + 1.0) / 2.0) + 8.0 * opened
''',
    ),
)

DRAWER_OPEN: Final = MetaWorldTask(
    'drawer-open-v3',
    arm_brief(
        'The aim is to pull a drawer open by its handle, along negative y, until the handle is within 0.03 m of '
        'the goal. The drawer stands at a random place.',
        'handle',
        SCALAR_FIRST,
        ((-0.5, 0.5), (0.4, 1.0), (0.05, 0.5)),
        REWARD_PARTS
        + '''
TIP_AT_FIRST = (0.00441, 0.60150, 0.15016)  # m
TRAVEL = 0.2  # m, of the drawer


def weighed(a, b):
    """Distance in which height counts a third."""
    return math.hypot(3.0 * (a[0] - b[0]), 3.0 * (a[1] - b[1]), a[2] - b[2])


def reward(obs, action, next_obs):
    """The hand near the handle pays up to 5, the open drawer up to 5 more."""
    hand, handle, goal = next_obs[:3], next_obs[4:7], next_obs[36:39]
    closed = (goal[0], goal[1] + TRAVEL, goal[2])
    at_handle = near(weighed(handle, hand), 0.01, weighed(closed, TIP_AT_FIRST))
    opened = near(math.dist(handle, goal), 0.02, TRAVEL)
    return 5.0 * (at_handle + opened)
''',
    ),
)
