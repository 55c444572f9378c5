"""One incoming ball in MuJoCo, advanced one control period at a time.

The same object serves the in-process trial and the simulator node: `launch`, then `observe` and `step` in turn
until `finished`.
"""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import ArrayLike, NDArray

from llm_policy_improver.core.compiled import compiled
from llm_policy_improver.table_tennis.arm import facts as arm
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.laws import (
    acceleration,
    contact_slip,
    dot,
    racket_impulse,
    spun,
    table_impulse,
)
from llm_policy_improver.table_tennis.ball.state import BallLaw, Vec
from llm_policy_improver.table_tennis.observation import NANOSECONDS, ArmObservation, BallObservation
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.scene import build_scene

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Contact:
    """A touch of the ball as it really happened in the simulation; for tests and benchmarks only.

    Attributes:
        time: s since the launch.
        what: ``'table'``, ``'blade'``, ``'net'``, ``'floor'`` or the name of an arm's link.
        position: m, centre of the ball.
    """

    time: float
    what: str
    position: Vec


_RUN = 8
"""Physics steps taken at once where nothing touches anything, at most."""
_STATE = mujoco.mjtState.mjSTATE_INTEGRATION
_AFTER_LANDING = 0.16
"""s of flight after the landing that the cameras still watch, to fit the bounce from both sides."""
_AWAY: Vec = (0.0, 8.0, 2.0)
"""m, where nothing is."""


class Simulator:
    """The arm, the table and one ball in MuJoCo.

    Attributes:
        model, data: MuJoCo's, for viewers; not for the controller, which sees only observations.
        contacts: what the ball really touched in this trial.
        launched: the ball of this trial as it was launched; for benchmarks only.
        arm_contact: what the arm touched that it must not, in words; empty while nothing.
    """

    def __init__(self, config: SimulationConfig | None = None) -> None:
        self.config = config or SimulationConfig()
        period = self.config.physics_period
        self.model = build_scene(self.config.ball, period).compile()
        self.data = mujoco.MjData(self.model)
        self._control_steps = round(self.config.control_period / period)
        self._camera_steps = round(self.config.camera_period / period)
        self._step_ns = round(period * NANOSECONDS)
        self._ball_qpos = int(self.model.joint('ball').qposadr[0])
        self._ball_qvel = int(self.model.joint('ball').dofadr[0])
        self._arm_dofs = len(arm.ARM)
        self._names = [self.model.geom(index).name for index in range(self.model.ngeom)]
        self._ball_geom = self.model.geom('ball').id
        self._ball_body = self.model.body('ball').id
        self._blade_body = self.model.body('paddle').id
        self._jacobian = np.zeros((3, self.model.nv))
        self._bouncing = {
            'table': self.config.ball.table_restitution,
            'blade': self.config.ball.racket_restitution,
        }
        self._generator = self._spin_generator = np.random.default_rng(0)
        self._ball_velocity = self.data.qvel[self._ball_qvel : self._ball_qvel + 3]
        self._ball_force = self.data.qfrc_applied[self._ball_qvel : self._ball_qvel + 3]
        self._ball_position = self.data.qpos[self._ball_qpos : self._ball_qpos + 3]
        self._law = self.config.ball.law
        self._period = period
        self._before = np.zeros(mujoco.mj_stateSize(self.model, _STATE))
        self._spin: Vec = (0.0, 0.0, 0.0)
        self._begin()

    def _begin(self) -> None:
        self.contacts: list[Contact] = []
        self.arm_contact = ''
        self._steps = 0
        self._sightings: list[BallObservation] = []
        self._end_step = round(self.config.time_limit / self.config.physics_period)
        self._first_tick = self._first_picture = 0

    def launch(self, seed: int) -> None:
        """Put the arm into its ready pose, launch the ball of this seed, and wait for the first control tick."""
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[: self._arm_dofs] = arm.HOME
        self.data.act[:] = arm.HOME
        self.throw(seed)
        if self._first_tick:
            self.advance(self._first_tick, np.zeros(self._arm_dofs))

    def throw(self, seed: int) -> None:
        """Launch the ball of this seed; the arm goes on with what it does."""
        self._begin()
        self._first_tick, self._first_picture = self.config.draw_phases(seed)
        self.data.time = 0.0
        self._generator = np.random.default_rng([seed, 1])
        self._spin_generator = np.random.default_rng([seed, 4])
        ball = self.launched = self.config.draw_ball(seed)
        speed = self._ball_qvel
        self._place_ball(ball.position)
        # MuJoCo's Euler steps are of second order if the velocity it carries is that of half a step earlier.
        pull = acceleration(self._law, ball.velocity, ball.spin)
        half = 0.5 * self._period
        self.data.qvel[speed : speed + 3] = [v - half * a for v, a in zip(ball.velocity, pull, strict=True)]
        self._spin = ball.spin
        self.data.qvel[speed + 3 : speed + 6] = ball.spin
        if not self._first_picture:
            self._see_ball()

    def take_ball_away(self) -> None:
        """Put the ball, at rest, where it touches nothing. It falls: to be called again and again until a throw."""
        self._place_ball(_AWAY)
        self.data.qvel[self._ball_qvel : self._ball_qvel + 6] = 0.0
        self._spin = (0.0, 0.0, 0.0)

    def _place_ball(self, position: Vec) -> None:
        self.data.qpos[self._ball_qpos : self._ball_qpos + 7] = (*position, 1.0, 0.0, 0.0, 0.0)

    @property
    def stamp(self) -> int:
        """ns since the launch."""
        return self._steps * self._step_ns

    @property
    def ball_spin(self) -> Vec:
        """The ball's true spin, rad/s in frame ``table``; for tests and benchmarks only."""
        return self._spin

    @property
    def ball_delay(self) -> float:
        """s from a picture to its sighting, in this trial."""
        return 0.0

    @property
    def finished(self) -> bool:
        """Whether nothing of interest can happen any more in this trial."""
        if self._steps >= self._end_step:
            return True
        x, y, z = self._ball_position.tolist()
        return z < -0.25 or abs(y) > 2.4 or abs(x) > 2.4

    def observe(self) -> tuple[ArmObservation, tuple[BallObservation, ...]]:
        """The arm now, and the sightings of the ball since the last call, in their order."""
        arm_now = ArmObservation(
            self.stamp, self.data.qpos[: self._arm_dofs].copy(), self.data.qvel[: self._arm_dofs].copy()
        )
        return arm_now, self.take_sightings()

    def take_sightings(self) -> tuple[BallObservation, ...]:
        """The sightings of the ball since the last call, in their order."""
        sightings, self._sightings = tuple(self._sightings), []
        return sightings

    def step(self, velocity: Array) -> None:
        """Advance one control period with this joint velocity command (8,), m/s and rad/s."""
        self.advance(self._control_steps, velocity)

    def advance(self, steps: int, velocity: ArrayLike) -> None:
        """Advance so many physics steps with this joint velocity command (8,), m/s and rad/s."""
        self.data.ctrl[:] = velocity
        self._advance(steps)

    def _advance(self, steps: int) -> None:
        """So many physics steps, and the pictures that the cameras take meanwhile."""
        end = self._steps + steps
        while self._steps < end:
            picture = self._camera_steps - (self._steps - self._first_picture) % self._camera_steps
            run = min(end - self._steps, picture, _RUN)
            if run == 1 or not self._run_free(run):
                for _ in range(run):
                    self._step_with_contacts()
            if run == picture:
                self._see_ball()

    def _run_free(self, steps: int) -> bool:
        """Take ``steps`` physics steps at once, unless something touches something meanwhile: then none is taken."""
        model, data = self.model, self.data
        mujoco.mj_getState(model, data, self._before, _STATE)
        self._step(steps)
        if data.maxuse_con == 0:
            self._steps += steps
            return True
        mujoco.mj_setState(model, data, self._before, _STATE)
        return False

    def _step_with_contacts(self) -> None:
        """One physics step."""
        self._step(1)
        self._steps += 1
        if self.data.ncon:
            self._handle_contacts()
        self.data.maxuse_con = 0

    def _step(self, steps: int) -> None:
        """MuJoCo's steps, with the air's force on the ball.

        MuJoCo's own fluid forces are of first order, some millimetres in a second, and enter the bounces.
        """
        _blow(
            self._law, self._ball_position, self._ball_velocity, self._ball_force, self._spin,
            self._period, steps,
        )  # fmt: skip
        mujoco.mj_step(self.model, self.data, steps)

    def _see_ball(self) -> None:
        x, y, z = self._ball_position.tolist()
        if self.config.camera_noise > 0.0:
            dx, dy, dz = self._generator.normal(0.0, self.config.camera_noise, 3).tolist()
            x, y, z = x + dx, y + dy, z + dz
        self._sightings.append(BallObservation(self.stamp, (x, y, z), self._see_spin()))

    def _see_spin(self) -> Vec | None:
        if self.config.spin_noise <= 0.0:
            return None
        wx, wy, wz = (self._spin_generator.normal(0.0, self.config.spin_noise, 3) + self._spin).tolist()
        return (wx, wy, wz)

    def _handle_contacts(self) -> None:
        """Add the friction of the ball's bounces, which MuJoCo's contact cannot give, and note what touched."""
        for index in range(self.data.ncon):
            contact = self.data.contact[index]
            first, second = int(contact.geom[0]), int(contact.geom[1])
            if self._ball_geom not in (first, second):
                if not self.arm_contact:
                    self.arm_contact = f'{self._names[first]} touched {self._names[second]}'
                continue
            other = self._names[second if first == self._ball_geom else first]
            if contact.efc_address < 0:
                continue
            force = float(self.data.efc_force[contact.efc_address])
            if force <= 0.0:
                continue
            if other in self._bouncing:
                toward_ball = -1.0 if first == self._ball_geom else 1.0
                normal = tuple((toward_ball * contact.frame[:3]).tolist())
                approach = -float(self.data.efc_vel[contact.efc_address])
                if approach <= 0.0:
                    continue  # it is leaving already
                late = self._bounce(other, normal, approach, float(contact.dist), contact.pos)
                self._note(other, late + self._period)
            else:
                turn = self.data.xmat[self._ball_body].reshape(3, 3)
                wx, wy, wz = (turn @ self.data.qvel[self._ball_qvel + 3 : self._ball_qvel + 6]).tolist()
                self._spin = (wx, wy, wz)
                self._note(other, 0.0)

    def _note(self, what: str, since: float) -> None:
        """Note a touch that happened ``since`` seconds ago."""
        time = self.data.time - since
        here = self._ball_position - since * self._ball_velocity
        x, y, z = here.tolist()
        # A contact that lasts over several steps is one touch.
        recent = any(contact.what == what and time - contact.time < 0.05 for contact in self.contacts[-4:])
        if not recent:
            struck = any(contact.what == 'blade' for contact in self.contacts)
            self.contacts.append(Contact(time, what, (x, y, z)))
            if what == 'table' and struck:
                self._end_step = min(self._end_step, self._steps + round(_AFTER_LANDING / self._period))

    def _bounce(self, other: str, normal: Vec, approach: float, gap: float, point: Array) -> float:
        """Add the tangential impulse to a bounce whose normal impulse the last step has delivered.

        Args:
            approach: m/s, normal speed of approach before it.
            gap: m between the surfaces when it found them; negative inside each other.
            point: m, of the contact.

        Returns:
            Seconds between the bounce and the start of that step.
        """
        model, data, law = self.model, self.data, self._law
        at, speed = self._ball_qpos, self._ball_qvel
        velocity = data.qvel[speed : speed + 3]
        spin = self._spin
        relative = velocity
        if other == 'blade':
            mujoco.mj_jac(model, data, self._jacobian, None, point, self._blade_body)
            relative = velocity - self._jacobian @ data.qvel
        restitution = self._bouncing[other]
        rx, ry, rz = relative.tolist()
        # The solver does not foresee how the drives hold the blade: what is missing of the bounce is added.
        missing = restitution * approach - dot((rx, ry, rz), normal)
        velocity = velocity + missing * np.array(normal)
        depth = max(0.0, -gap)
        late = depth / approach
        half = 0.5 * self._period
        bx, by, bz = (velocity - (1.0 + restitution) * approach * np.array(normal)).tolist()
        pull = acceleration(law, (bx, by, bz), spin)
        before_pull = dot(pull, normal)
        # The friction is that of the velocity at the contact, not of half a step before or after it.
        since = half + late
        slip = contact_slip((rx - since * pull[0], ry - since * pull[1], rz - since * pull[2]), spin, normal)
        if other == 'table':
            tangential = table_impulse(
                law, slip, (1.0 + restitution) * (approach - before_pull * (half - late))
            )
        else:
            tangential = racket_impulse(law, slip)
        after = velocity + tangential
        spin_after = spun(spin, normal, tangential)
        # The step found the ball inside the surface, which it had met `late` seconds before. The path is put
        # where a bounce on the surface itself leads, with the air and gravity at work before and after it.
        ax, ay, az = after.tolist()
        pull_after = acceleration(law, (ax, ay, az), spin_after)
        after_pull = dot(pull_after, normal)
        gain = after_pull * since - restitution * before_pull * (half - late)
        turned = since * (np.array(pull_after) - pull - (after_pull - before_pull) * np.array(normal))
        shift = depth * (1.0 + restitution)
        data.qvel[speed : speed + 3] = after + gain * np.array(normal) + turned
        # A free joint's angular velocity is in the frame of the body.
        turn = np.empty(9)
        mujoco.mju_quat2Mat(turn, data.qpos[at + 3 : at + 7])
        data.qvel[speed + 3 : speed + 6] = turn.reshape(3, 3).T @ np.array(spin_after)
        self._spin = spin_after
        # The step itself moved the ball on without what is added here.
        data.qpos[at : at + 3] += (shift + self._period * missing) * np.array(normal)
        data.qpos[at : at + 3] += (late + self._period) * np.array(tangential)
        return late


@compiled
def _blow(
    law: BallLaw, position: Array, velocity: Array, force: Array, spin: Vec, period: float, steps: int
) -> None:
    """Set the air's mean ``force`` (N) on the ball in the coming steps.

    MuJoCo carries the velocity of half a step ago, and so makes the flight accurate to second order. The mean of
    the acceleration until half a step before the end is that of Kutta's third order. A constant acceleration makes
    a little more way than one that changes; that is put right beforehand, so that runs and single steps agree.

    Args:
        position, velocity: (3,) m and m/s, MuJoCo's.
        period: s, of one step.
    """
    duration = steps * period
    vx, vy, vz = velocity[0], velocity[1], velocity[2]
    ax, ay, az = acceleration(law, (vx, vy, vz), spin)
    half = 0.5 * duration
    bx, by, bz = acceleration(law, (vx + half * ax, vy + half * ay, vz + half * az), spin)
    end = (
        vx + duration * (2.0 * bx - ax),
        vy + duration * (2.0 * by - ay),
        vz + duration * (2.0 * bz - az),
    )
    cx, cy, cz = acceleration(law, end, spin)
    share = table.BALL_MASS / 6.0
    force[0] = share * (ax + 4.0 * bx + cx)
    force[1] = share * (ay + 4.0 * by + cy)
    force[2] = share * (az + 4.0 * bz + cz) + table.BALL_MASS * law.gravity
    excess = period * period * (steps * steps - 1) / 12.0
    position[0] -= excess * (cx - ax)
    position[1] -= excess * (cy - ay)
    position[2] -= excess * (cz - az)
