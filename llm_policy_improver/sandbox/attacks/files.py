"""Attacks on files: reading, writing, looking, by Python, by NumPy, by C and by the kernel's own calls."""

from typing import Final

from llm_policy_improver.sandbox.attacks.attack import ERROR, LIBC, ROOT, VALUE, Attack, Witness, body

_SECRET, _FILES, _TRUE = Witness.SECRET, Witness.FILES, Witness.TRUE
_MISSED: Final = ERROR | VALUE
"""It may come back without what it wanted."""

_READING = (
    Attack('read a file', _SECRET, body('return open(field["secret"]).read()')),
    Attack(
        'read a file by os.open',
        _SECRET,
        body('return os.read(os.open(field["secret"], os.O_RDONLY), 99).decode()', 'import os'),
    ),
    Attack(
        'read a file by way of /proc/self/root',
        _SECRET,
        body('return open("/proc/self/root" + field["secret"]).read()'),
    ),
    Attack(
        'read a file by way of /proc/self/cwd',
        _SECRET,
        body('return open("/proc/self/cwd/" + "../" * 20 + field["secret"]).read()'),
    ),
    Attack(
        'read a file through a symbolic link',
        _SECRET,
        body(
            """
            os.symlink(field["secret"], field["made"])
            return open(field["made"]).read()
            """,
            'import os',
        ),
    ),
    Attack(
        'map a file into memory',
        _SECRET,
        body(
            """
            with open(field["secret"]) as file:
                return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)[:].decode()
            """,
            'import mmap',
        ),
    ),
    Attack(
        'read a file by its import loader',
        _SECRET,
        body('return json.__loader__.get_data(field["secret"]).decode()', 'import json'),
    ),
    Attack(
        'read a file by linecache',
        _SECRET,
        body('return linecache.getline(field["secret"], 1)', 'import linecache'),
        _MISSED,
    ),
    Attack(
        'read a file by numpy.fromfile',
        _SECRET,
        body('return np.fromfile(field["secret"], np.uint8).tobytes().decode()', 'import numpy as np'),
    ),
    Attack(
        'read a file by numpy.memmap',
        _SECRET,
        body('return np.memmap(field["secret"], np.uint8, "r").tobytes().decode()', 'import numpy as np'),
    ),
    Attack(
        'read a file by numpy.load',
        _TRUE,
        body('return bool(np.load(field["array"]).sum() == 6)', 'import numpy as np'),
    ),
    Attack(
        'read a file by numpy.loadtxt',
        _SECRET,
        body('return str(np.loadtxt(field["secret"], str))', 'import numpy as np'),
    ),
    Attack(
        'read a file by fopen of C',
        _SECRET,
        body(
            """
            libc.fopen.restype = ctypes.c_void_p
            file = libc.fopen(field["secret"].encode(), b"r")
            if not file:
                raise OSError(ctypes.get_errno(), 'refused')
            text = ctypes.create_string_buffer(99)
            libc.fread(text, 1, 99, ctypes.c_void_p(file))
            return text.value.decode()
            """,
            LIBC,
        ),
    ),
    Attack(
        'read a file by the call openat2',
        _SECRET,
        body(
            """
            how = (ctypes.c_uint64 * 3)()
            number = system_call(437, -100, field["secret"].encode(), how, ctypes.c_size_t(24))
            text = ctypes.create_string_buffer(99)
            libc.read(number, text, 99)
            return text.value.decode()
            """,
            LIBC,
        ),
    ),
    Attack(
        'run code of a file by importing it',
        _SECRET,
        body(
            """
            import sys
            sys.path.insert(0, field["folder"])
            import planted
            return planted.SECRET
            """
        ),
    ),
    Attack(
        'load a shared library by numpy.ctypeslib',
        _TRUE,
        body(
            """
            np.ctypeslib.load_library(field["library"], "/")
            return True
            """,
            'import numpy as np\nimport numpy.ctypeslib',
        ),
    ),
)

_LOOKING = (
    Attack(
        'ask for the size of a file', _TRUE, body('return os.stat(field["secret"]).st_size > 0', 'import os')
    ),
    Attack('list a folder', _TRUE, body('return len(os.listdir(field["folder"])) > 0', 'import os')),
    Attack('list a folder by scandir', _TRUE, body('return len(list(os.scandir("/"))) > 0', 'import os')),
    Attack(
        'ask whether a file is there',
        _TRUE,
        body('return os.access(field["secret"], os.F_OK)', 'import os'),
        _MISSED,
    ),
    Attack(
        'follow a link of /proc',
        _TRUE,
        body('return os.readlink("/proc/self/exe").startswith("/")', 'import os'),
    ),
    Attack('go to a folder', _TRUE, body('os.chdir(field["folder"])\nreturn True', 'import os')),
    Attack('ask for the current folder', _TRUE, body('return bool(os.getcwd())', 'import os')),
    Attack(
        'ask for the free room', _TRUE, body('return os.statvfs(field["folder"]).f_bsize > 0', 'import os')
    ),
    Attack(
        'watch a folder by inotify',
        _TRUE,
        body(
            """
            watch = require(libc.inotify_init())
            require(libc.inotify_add_watch(watch, field["folder"].encode(), 256))
            return True
            """,
            LIBC,
        ),
    ),
    Attack(
        'look at the descriptors that are open',
        _TRUE,
        body('os.fstat(3)\nos.dup(3)\nreturn True', 'import os'),
    ),
)

_CHANGING = (
    Attack('write a file', _FILES, body('open(field["made"], "w").write("x")')),
    Attack('overwrite a file', _FILES, body('open(field["victim"], "w").write("x")')),
    Attack('remove a file', _FILES, body('os.unlink(field["victim"])', 'import os')),
    Attack('rename a file', _FILES, body('os.rename(field["victim"], field["made"])', 'import os')),
    Attack('link a file', _FILES, body('os.link(field["victim"], field["made"])', 'import os')),
    Attack('change the rights of a file', _FILES, body('os.chmod(field["victim"], 0o7777)', 'import os')),
    Attack('cut a file', _FILES, body('os.truncate(field["victim"], 0)', 'import os')),
    Attack('set the time of a file', _FILES, body('os.utime(field["victim"], (1, 1))', 'import os')),
    Attack('make a folder', _FILES, body('os.mkdir(field["made"])', 'import os')),
    Attack('make a named pipe', _FILES, body('os.mkfifo(field["made"])', 'import os')),
    Attack(
        'make a device',
        _FILES,
        body('os.mknod(field["made"], 0o20666, os.makedev(1, 3))', 'import os'),
        needs=ROOT,
    ),
    Attack('write a file by numpy.save', _FILES, body('np.save(field["made"], [1.0])', 'import numpy as np')),
    Attack(
        'write a file by numpy.savetxt',
        _FILES,
        body('np.savetxt(field["made"], [1.0])', 'import numpy as np'),
    ),
    Attack(
        'write a file by tofile of an array',
        _FILES,
        body('np.ones(1).tofile(field["made"])', 'import numpy as np'),
    ),
    Attack(
        'write a file by creat of C', _FILES, body('require(libc.creat(field["made"].encode(), 0o666))', LIBC)
    ),
)

ATTACKS: Final = (*_READING, *_LOOKING, *_CHANGING)
