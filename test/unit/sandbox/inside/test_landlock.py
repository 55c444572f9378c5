import os
from pathlib import Path

import pytest

from llm_policy_improver.sandbox.inside import kernel
from llm_policy_improver.sandbox.inside.landlock import give_up_rights, landlock_version


def test_without_rights_no_file_can_be_opened(tmp_path: Path) -> None:
    if landlock_version() == 0:
        pytest.skip('this kernel has no Landlock')
    file = tmp_path / 'file'
    file.write_text('x')
    child = os.fork()
    if child == 0:
        kernel.process_control(kernel.SET_NO_NEW_PRIVILEGES, 1)
        give_up_rights()
        try:
            file.read_text()
        except PermissionError:
            os._exit(7)
        finally:
            os._exit(8)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
