from __future__ import annotations

from pathlib import Path

import pytest

from chassis.yaml_files import YamlFileError, load_yaml, parse_yaml


def test_a_file_is_read_as_yaml_1_2(tmp_path: Path) -> None:
    file = tmp_path / "countries.yaml"
    file.write_text("countries: [NO, CH]\nis_complete: true\n")

    assert load_yaml(file) == {"countries": ["NO", "CH"], "is_complete": True}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: 2\na: 3\n", 'x.yaml, line 3, column 1: invalid YAML: found duplicate key "a"'),
        (b"a: {b: 1, b: 2}\n", 'x.yaml, line 1, column 11: invalid YAML: found duplicate key "b"'),
        (b"a: [1\n", "x.yaml, line 2, column 1: invalid YAML: expected ',' or ']'"),
        (
            b"a: !!python/name:os.system\n",
            "x.yaml, line 1, column 4: invalid YAML: could not determine",
        ),
        (
            b"a: 1\n---\nb: 2\n",
            "x.yaml, line 2, column 1: invalid YAML: but found another document",
        ),
        (b"a: \xff\n", "x.yaml: is not UTF-8 text"),
        (b"a: \x00\n", "x.yaml: has a character that YAML does not allow"),
    ],
)
def test_content_that_is_not_strict_yaml_is_an_error_with_its_place(
    content: bytes, message: str
) -> None:
    with pytest.raises(YamlFileError) as caught:
        parse_yaml(content, "x.yaml")

    assert str(caught.value).startswith(message)


def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(YamlFileError, match=r"nowhere\.yaml: cannot be read \(FileNotFoundError\)"):
        load_yaml(tmp_path / "nowhere.yaml")
