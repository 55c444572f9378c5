"""``bench physics``: the simulated ball against closed formulas and an independent integrator."""

from dataclasses import asdict, dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.ball.laws import acceleration
from llm_policy_improver.table_tennis.ball.state import BallModel, Vec
from llm_policy_improver.table_tennis.observation import NANOSECONDS
from llm_policy_improver.table_tennis.simulation.config import SimulationConfig
from llm_policy_improver.table_tennis.simulation.launcher import Launcher
from llm_policy_improver.table_tennis.simulation.simulator import Simulator

Array = NDArray[np.float64]

_VACUUM = BallModel(gravity=0.0, air_density=0.0)
_STILL = np.zeros(8)


@dataclass(frozen=True, slots=True)
class PhysicsResult:
    """Figures of ``bench physics``.

    Attributes:
        drop_rebound_m: height of the ball's lowest point at the rebound from 30 cm.
        restitution_spread: largest minus smallest restitution over 200 phases of the physics step.
        flight_error_m: largest distance to SciPy's solution after 1 s at 10 m/s and 100 rad/s.
        table_error_mps: largest error of a velocity after an oblique, spinning bounce on the table.
        racket_error_mps: the same on the racket of the standing arm.
        bounce_error_mps: the larger of the two.
        bounces: number of bounces behind each of them.
        energy_rises: control periods in which the ball's mechanical energy rose in flight or on the table.
        energy_periods: control periods looked at.
    """

    drop_rebound_m: float
    restitution_spread: float
    flight_error_m: float
    table_error_mps: float
    racket_error_mps: float
    bounce_error_mps: float
    bounces: int
    energy_rises: int
    energy_periods: int

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, figure and bar, for people."""
        return [
            ('rebound from 30 cm', f'{100 * self.drop_rebound_m:.2f} cm', '23.0 +- 0.3 cm'),
            ('spread of the restitution over 200 step phases', f'{self.restitution_spread:.1e}', '< 0.001'),
            ('flight against SciPy after 1 s', f'{1000 * self.flight_error_m:.4f} mm', '< 1 mm'),
            (f'{self.bounces} bounces on the table', f'{self.table_error_mps:.1e} m/s', '< 1e-6 m/s'),
            (f'{self.bounces} bounces on the racket', f'{self.racket_error_mps:.1e} m/s', '< 1e-6 m/s'),
            (f'energy rises in {self.energy_periods} periods', f'{self.energy_rises}', '0'),
        ]


def run(seed: int = 0, bounces: int = 200) -> PhysicsResult:
    """Measure everything; takes some seconds."""
    generator = np.random.default_rng(seed)
    on_table = max(_table_bounce_error(generator) for _ in range(bounces))
    on_racket = max(_racket_bounce_error(generator) for _ in range(bounces))
    rises, periods = _energy_rises(generator)
    return PhysicsResult(
        drop_rebound_m=_drop_rebound(),
        restitution_spread=_restitution_spread(generator),
        flight_error_m=max(_flight_error(generator) for _ in range(20)),
        table_error_mps=on_table,
        racket_error_mps=on_racket,
        bounce_error_mps=max(on_table, on_racket),
        bounces=bounces,
        energy_rises=rises,
        energy_periods=periods,
    )


def _simulator(ball: BallModel, position: Vec, velocity: Vec, spin: Vec = (0.0, 0.0, 0.0)) -> Simulator:
    """A launched ball, seen and stepped every millisecond."""
    launcher = Launcher(position=position, velocity=velocity, spin=spin)
    return _launched(
        SimulationConfig(control_period=0.001, camera_period=0.001, ball=ball, launcher=launcher)
    )


def _launched(config: SimulationConfig) -> Simulator:
    simulator = Simulator(config)
    simulator.launch(0)
    return simulator


def _position(simulator: Simulator) -> Array:
    return np.array(simulator.observe()[1][-1].position)


def _drop_rebound() -> float:
    """m, lowest point of the ball at the top of its rebound from 30 cm."""
    simulator = _simulator(BallModel(), (0.3, 0.6, 0.3 + table.BALL_RADIUS), (0.0, 0.0, 0.0))
    top = 0.0
    while len(simulator.contacts) < 2:
        simulator.step(_STILL)
        if simulator.contacts:
            top = max(top, _position(simulator)[2])
    return top - table.BALL_RADIUS


def _restitution_spread(generator: np.random.Generator) -> float:
    """Speeds before and after the bounce without air, from the energy at a height: exact at every phase."""
    ball = BallModel(air_density=0.0)
    found = []
    for start in 0.3 + generator.uniform(0.0, 0.003, 200):
        simulator = _simulator(ball, (0.3, 0.6, start), (0.0, 0.0, 0.0))
        while not simulator.contacts:
            simulator.step(_STILL)
        simulator.observe()
        heights = []
        for _ in range(40):
            simulator.step(_STILL)
            heights.append(_position(simulator)[2])
        times = simulator.config.physics_period * np.arange(len(heights))
        _, rise, height = np.polyfit(times, heights, 2)
        after = np.sqrt(rise**2 + 2.0 * ball.gravity * (height - table.BALL_RADIUS))
        before = np.sqrt(2.0 * ball.gravity * (start - table.BALL_RADIUS))
        found.append(after / before)
    return float(np.ptp(found))


def _flight_error(generator: np.random.Generator) -> float:
    """m, after 1 s at 10 m/s and 100 rad/s in random directions, far above everything."""
    ball = BallModel()
    velocity, spin = (_direction(generator, size) for size in (10.0, 100.0))
    start = (0.0, 0.0, 50.0)
    # With the periods of a trial, which takes several steps at once where nothing touches anything.
    simulator = _launched(SimulationConfig(ball=ball, launcher=Launcher(start, velocity, spin)))
    # The trial's rules end where the ball leaves the hall; its flight goes on.
    while simulator.stamp < NANOSECONDS:
        simulator.step(_STILL)

    # The formulas written anew, on purpose.
    area, volume = np.pi * 0.02**2, 4.0 / 3.0 * np.pi * 0.02**3

    def motion(_: float, state: Array) -> Array:
        v = state[3:]
        speed = np.linalg.norm(v)
        drag = -0.5 * ball.air_density * ball.drag_coefficient * area * speed * v
        lift = ball.lift_coefficient / (1.0 + 0.02 * np.linalg.norm(spin) / speed / ball.lift_saturation)
        magnus = lift * ball.air_density * volume * np.cross(spin, v)
        return np.concatenate((v, (drag + magnus) / 0.0027 - [0.0, 0.0, ball.gravity]))

    exact = solve_ivp(motion, (0.0, 1.0), [*start, *velocity], method='DOP853', rtol=1e-11, atol=1e-12)
    return float(np.linalg.norm(_position(simulator) - exact.y[:3, -1]))


def _direction(generator: np.random.Generator, length: float) -> Vec:
    vector = generator.normal(size=3)
    x, y, z = (length * vector / np.linalg.norm(vector)).tolist()
    return (x, y, z)


def _velocity(simulator: Simulator) -> Array:
    start = int(simulator.model.joint('ball').dofadr[0])
    return np.array(simulator.data.qvel[start : start + 3])


def _table_bounce_error(generator: np.random.Generator) -> float:
    """m/s, without gravity and air, where the velocity right after the step is that of the law."""
    x, y = generator.uniform(-4.0, 4.0, 2).tolist()
    velocity, spin = (x, y, -float(generator.uniform(0.5, 8.0))), _direction(generator, 150.0)
    start = (0.0, 0.7, table.BALL_RADIUS + float(generator.uniform(0.01, 0.02)))
    simulator = _simulator(_VACUUM, start, velocity, spin)
    while not simulator.contacts:
        simulator.step(_STILL)
    v = np.array(velocity)
    slip = np.array([v[0], v[1], 0.0]) - 0.02 * np.cross(spin, [0.0, 0.0, 1.0])
    slip[2] = 0.0
    pressed = _VACUUM.table_friction * (1.0 + _VACUUM.table_restitution) * abs(v[2]) / np.linalg.norm(slip)
    # A thin shell: it rolls at 2/5 of the slip, or slides with less.
    expected = v - min(0.4, pressed) * slip
    expected[2] = -_VACUUM.table_restitution * v[2]
    return float(np.max(np.abs(_velocity(simulator) - expected)))


def _racket_bounce_error(generator: np.random.Generator) -> float:
    """m/s, on the blade of the standing arm, whose inertia the closed formula takes into account."""
    probe = _simulator(_VACUUM, (0.0, 1.0, 5.0), (0.0, 0.0, 0.0))
    mujoco.mj_forward(probe.model, probe.data)
    site = probe.data.site('blade')
    normal = np.array(site.xmat).reshape(3, 3)[:, 2]
    off = generator.uniform(-0.05, 0.05, 2) @ np.array(site.xmat).reshape(3, 3)[:, :2].T
    velocity = -float(generator.uniform(2.0, 8.0)) * normal + generator.uniform(-2.0, 2.0, 3)
    spin = _direction(generator, 150.0)
    gap = table.BALL_RADIUS + 0.006
    distance = float(generator.uniform(0.010, 0.015)) / abs(float(velocity @ normal))
    x, y, z = (np.array(site.xpos) + off + gap * normal - distance * velocity).tolist()
    simulator = _simulator(_VACUUM, (x, y, z), (velocity[0], velocity[1], velocity[2]), spin)
    while not simulator.contacts:
        blade_before = np.array(simulator.data.qvel[:8])
        simulator.step(_STILL)
    model, data = simulator.model, simulator.data
    jacobian = np.zeros((3, model.nv))
    # Where the ball touches the blade, at the step that found the contact.
    point = np.array(data.contact[0].pos)
    mujoco.mj_jac(model, data, jacobian, None, point, model.body('paddle').id)
    moving = jacobian[:, :8]
    before = velocity - moving @ blade_before
    after_blade = moving @ np.array(data.qvel[:8])
    # Normal: the relative speed turns round with e. Tangential: the rubber turns the slip at the contact round.
    expected_normal = float(normal @ after_blade) - _VACUUM.racket_restitution * float(before @ normal)
    relative = velocity - after_blade
    slip = relative - (relative @ normal) * normal - 0.02 * np.cross(spin, normal)
    tangent = velocity - (velocity @ normal) * normal - 0.4 * (1.0 + _VACUUM.racket_grip) * slip
    return float(np.max(np.abs(_velocity(simulator) - (tangent + expected_normal * normal))))


def _energy_rises(generator: np.random.Generator) -> tuple[int, int]:
    """Periods in which kinetic (also of rotation) plus potential energy grew, over 40 bouncing balls."""
    ball = BallModel()
    inertia = 2.0 / 3.0 * table.BALL_MASS * table.BALL_RADIUS**2
    rises = periods = 0
    for _ in range(40):
        x, y = generator.uniform(-1.0, 1.0, 2).tolist()
        velocity, spin = (
            (x, y, -float(generator.uniform(0.0, 5.0))),
            _direction(generator, float(generator.uniform(0, 150))),
        )
        simulator = _simulator(ball, (0.0, 0.65, 0.3), velocity, spin)
        last = np.inf
        for _ in range(300):
            simulator.step(_STILL)
            height = _position(simulator)[2]
            # MuJoCo's velocity is that of half a step ago.
            now = _velocity(simulator)
            now = now + 0.5 * simulator.config.physics_period * np.array(
                acceleration(ball.law, (now[0], now[1], now[2]), simulator.ball_spin)
            )
            energy = 0.5 * table.BALL_MASS * now @ now + table.BALL_MASS * ball.gravity * height
            energy += 0.5 * inertia * float(np.dot(simulator.ball_spin, simulator.ball_spin))
            rises += int(energy > last + 1e-9)
            periods += 1
            last = energy
            if any(contact.what != 'table' for contact in simulator.contacts):
                break
    return rises, periods
