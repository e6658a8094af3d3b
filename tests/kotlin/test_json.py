"""The JSON reader of the Kotlin library: what Python reads, and nothing that is no JSON."""

import json
import pathlib
import random
from typing import Any

import pytest

BUNDLE = pathlib.Path(__file__).parents[2] / "android_assets"

GOOD = [
    b"0",
    b"-0.5e-3",
    b"1E+2",
    b" [ ] ",
    b'{"a": {}, "b": [1, true, false, null], "": ""}',
    b'"\\u0041\\n\\t\\r\\b\\f\\"\\\\\\/ \\ud83d\\ude00"',
    '"Größe ✋ 😀"'.encode(),
    b"[" * 31 + b"1" + b"]" * 31,
    b"\t\r\n1.7976931348623157e308\n",
    b"1e-400",
]
# Content and what the message says about it.
BAD = [
    (b"", "its end at line 1, column 1"),
    (b"NaN", "NaN at line 1"),
    (b"[Infinity]", "Infinity]"),
    (b"-Infinity", "-Infinity"),
    (b"1e999", "a number without end, 1e999"),
    (b"01", "01"),
    (b"+1", "+1"),
    (b".5", ".5"),
    (b"5.", "5."),
    (b"0x10", "something behind the end, x10"),
    (b"[1,]", "]"),
    (b'{"a":1,}', "no name of a field but }"),
    (b"{a: 1}", "no name of a field but a: 1}"),
    (b'{"a" 1}', "no colon but 1}"),
    (b'{"a":1, "a":2}', 'the field "a" twice'),
    (b"[1 2]", "no comma or ] but 2]"),
    (b'{"a":1]', "no comma or } but ]"),
    (b"1 1", "something behind the end, 1"),
    (b"// no\n1", "// no"),
    (b"'a'", "'a'"),
    (b'"a', "its end at line 1, column 3"),
    (b'"a\nb"', "a control character in a text at line 2"),
    (b'"\\x"', "\\x"),
    (b'"\\u12g4"', "\\u12g4"),
    (b'"\\u12', "\\u12"),
    (b"tru", "tru"),
    (b"nul", "nul"),
    (b"\xff\xfe1", "expected JSON in UTF-8"),
    (b'"\xc3"', "expected JSON in UTF-8"),
    (b"\xef\xbb\xbf1", "\ufeff1"),
    (b"[" * 40 + b"]" * 40, "more than 32 levels"),
    (b"[" * 100_000, "more than 32 levels"),
    (b'{"a":' * 100_000, "more than 32 levels"),
]


def random_value(generator: random.Random, depth: int = 0) -> Any:
    kind = generator.randrange(7 if depth < 4 else 5)
    if kind == 0:
        return generator.choice([None, True, False])
    if kind == 1:
        return generator.randrange(-(10**6), 10**6)
    if kind in (2, 3):
        return generator.gauss(0, 1) * 10 ** generator.randrange(-30, 30)
    if kind == 4:
        letters = [0, 10, 34, 92, 127, 233, 9995, 128512]
        return "".join(map(chr, generator.choices(letters, k=4)))
    values = [random_value(generator, depth + 1) for _ in range(generator.randrange(5))]
    return values if kind == 5 else {f"{index}{values!r}"[:9]: v for index, v in enumerate(values)}


@pytest.fixture(scope="module")
def read(ask, tmp_path_factory):
    folder = tmp_path_factory.mktemp("json")

    def answers(contents: list[bytes]) -> list[dict]:
        requests = []
        for index, content in enumerate(contents):
            file = folder / f"{len(list(folder.iterdir()))}-{index}.json"
            file.write_bytes(content)
            requests.append({"do": "json", "file": str(file)})
        return ask(requests)

    return answers


def test_what_python_reads(read):
    generator = random.Random(3)
    values = [random_value(generator) for _ in range(300)]
    texts = [json.dumps(v, ensure_ascii=bool(i % 2), indent=i % 3) for i, v in enumerate(values)]
    contents = GOOD + [text.encode() for text in texts]
    contents += [file.read_bytes() for file in BUNDLE.glob("*.json")]
    for content, answer in zip(contents, read(contents), strict=True):
        assert "result" in answer, (content[:200], answer)
        assert answer["result"] == json.loads(content), content[:200]


def test_what_is_no_json(read):
    for (content, message), answer in zip(BAD, read([c for c, _ in BAD]), strict=True):
        assert answer.get("type") == "InputException", (content[:40], answer)
        assert message in answer["error"], content[:40]
        assert answer["error"].startswith("the file: expected JSON")


def test_truncated_contract_is_refused_wherever_it_ends(read):
    content = (BUNDLE / "bundle.json").read_bytes().rstrip()
    ends = random.Random(1).sample(range(len(content)), 200)
    for end, answer in zip(ends, read([content[:end] for end in ends]), strict=True):
        assert answer.get("type") == "InputException", end
