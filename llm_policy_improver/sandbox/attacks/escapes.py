"""Attacks within Python: walks to what is loaded, to frames and to the secret, and changes of what others use."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import DIED, ERROR, VALUE, Attack, Witness, body

_FILES, _SECRET, _TRUE, _CONFUSED = Witness.FILES, Witness.SECRET, Witness.TRUE, Witness.CONFUSED
_MISSED: Final = ERROR | VALUE

_COMMAND: Final = '"echo > " + field["made"]'

_WALKS = (
    Attack(
        'walk over all classes to os.system',
        _FILES,
        body(
            f"""
            for kind in object.__subclasses__():
                names = getattr(kind.__init__, "__globals__", {{}})
                if "system" in names:
                    return names["system"]({_COMMAND})
            """
        ),
        _MISSED,
    ),
    Attack(
        'walk from a module to os.system',
        _FILES,
        body(
            f'return np.__builtins__["__import__"]("sys").modules["posix"].system({_COMMAND})',
            'import numpy as np',
        ),
        _MISSED,
    ),
    Attack(
        'walk from a loader to a file',
        _SECRET,
        body('return __builtins__["__spec__"].loader.load_module("io").open(field["secret"]).read()'),
    ),
    Attack(
        'bring back the builtin open',
        _SECRET,
        body('return getattr(__import__("_io"), "open")(field["secret"]).read()'),
    ),
    Attack(
        'evaluate a text',
        _SECRET,
        body('return eval("__import__(\'os\').popen(\'cat \' + path).read()", {"path": field["secret"]})'),
    ),
    Attack(
        'walk the frames of the caller to its connection',
        _CONFUSED,
        body(
            """
            frame = sys._getframe()
            while frame is not None:
                for name, value in list(frame.f_globals.items()):
                    if name == "CHANNEL" or name == "connection":
                        os.write(value if isinstance(value, int) else value.fileno(), b"!" * 50)
                frame = frame.f_back
            """,
            'import os, sys',
        ),
        DIED | VALUE,
    ),
    Attack(
        'look through all objects for the secret',
        _SECRET,
        body(
            """
            for kept in gc.get_objects():
                for near in gc.get_referents(kept):
                    near = list(near.values()) if type(near) is dict else [near]
                    for value in near:
                        if type(value) is bytes:
                            value = value.decode("utf-8", "replace")
                        if type(value) is str and re.fullmatch("SECRET-[0-9a-f]+", value):
                            return value
            """,
            'import gc, os, re',
        ),
        _MISSED,
    ),
    Attack(
        'look through all objects for open sockets and files',
        _TRUE,
        body(
            """
            import io, socket
            for kept in gc.get_objects():
                if isinstance(kept, socket.socket) and kept.fileno() not in (-1, field["channel"]):
                    return kept.send(b"x") == 1
                if isinstance(kept, io.FileIO) and kept.fileno() > 2:
                    return True
            """,
            'import gc',
        ),
        _MISSED,
    ),
)

_ENVIRONMENT = (
    Attack('read the environment', _SECRET, body('return str(dict(os.environ))', 'import os'), VALUE),
    Attack(
        'read the environment by C',
        _SECRET,
        body(
            'return ctypes.c_char_p(libc_getenv(b"SANDBOX_SECRET")).value.decode()',
            'import ctypes\nlibc_getenv = ctypes.CDLL(None).getenv\nlibc_getenv.restype = ctypes.c_void_p',
        ),
        _MISSED,
    ),
    Attack(
        'read the environment where the kernel put it',
        _SECRET,
        body(
            """
            libc.getauxval.restype = ctypes.c_void_p
            end = libc.getauxval(ctypes.c_ulong(31))
            return "".join(chr(byte) for byte in ctypes.string_at(end - 2_000, 2_000) if byte)
            """,
            'import ctypes\nlibc = ctypes.CDLL(None)',
        ),
        VALUE,
    ),
    Attack(
        'read the arguments it was started with',
        _SECRET,
        body('import sys\nreturn str(sys.orig_argv)'),
        VALUE,
    ),
)

_CHANGES = (
    Attack(
        'replace what writes JSON',
        _CONFUSED,
        body(
            """
            json.dumps = json.JSONEncoder.encode = lambda *given, **more: "[" * 5000
            json.encoder.c_make_encoder = None
            send = sys.modules.get("llm_policy_improver.sandbox.inside.loop")
            if send:
                send._encode = json.dumps
            """,
            'import json, json.encoder, sys',
        ),
        DIED,
    ),
    Attack(
        'replace the loop that calls it',
        _CONFUSED,
        body(
            """
            for module in list(sys.modules.values()):
                ours = module is sys.modules["__main__"] or "inside" in str(getattr(module, "__name__", ""))
                for name in ("send", "receive", "describe", "use"):
                    if ours and hasattr(module, name):
                        setattr(module, name, lambda *given: os._exit(4))
            """,
            'import os, sys',
        ),
        DIED,
    ),
    Attack(
        'remove the builtins',
        _CONFUSED,
        body(
            """
            import builtins
            names = vars(builtins)
            for name in list(names):
                if name not in ("list",):
                    names.pop(name, None)
            """
        ),
        ERROR | DIED | VALUE,
    ),
    Attack(
        'follow every call by a trace function',
        _CONFUSED,
        body(
            'sys.setprofile(lambda *given: sys.modules.clear() or os._exit(6))\nreturn len([])',
            'import os, sys',
        ),
        DIED,
    ),
    Attack(
        'put something else in place of sys.stdout',
        _CONFUSED,
        body(
            """
            class Evil:
                def write(self, text): os._exit(8)
                def flush(self): os._exit(8)
            sys.stdout = sys.stderr = Evil()
            print("x")
            """,
            'import os, sys',
        ),
        DIED,
    ),
    Attack(
        'break the handling of exceptions',
        _CONFUSED,
        body(
            """
            class Meta(type):
                @property
                def __name__(cls): os._exit(9)
                def __getattribute__(cls, name): os._exit(9)
            class Evil(BaseException, metaclass=Meta): pass
            raise Evil()
            """,
            'import os',
        ),
        DIED | ERROR,
    ),
)

ATTACKS: Final = (*_WALKS, *_ENVIRONMENT, *_CHANGES)
