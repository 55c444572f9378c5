from pathlib import Path

import pytest

from llm_policy_improver.core.packages import MissingPackageError, require_package


def test_a_missing_package_is_named_with_who_needs_it_and_what_installs_it() -> None:
    wanted = r"^the stall needs the package flying-carpets: pip install 'llm-policy-improver\[bazaar\]'$"
    with pytest.raises(MissingPackageError, match=wanted):
        require_package('flying_carpets', 'flying-carpets', 'the stall', 'bazaar')


def test_a_folder_of_the_same_name_is_not_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'flying_carpets').mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingPackageError):
        require_package('flying_carpets', 'flying-carpets', 'the stall', 'bazaar')
    (tmp_path / 'flying_carpets' / '__init__.py').touch()
    require_package('flying_carpets', 'flying-carpets', 'the stall', 'bazaar')


def test_an_installed_package_is_none_missing() -> None:
    require_package('numpy', 'numpy', 'the stall', 'bazaar')
