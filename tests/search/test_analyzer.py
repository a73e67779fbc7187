"""What holds for the terms of every text, and which spellings are one."""

import subprocess
import sys
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extended_memory.search.analyzer import query_terms, query_words, spelling, terms
from extended_memory.search.folding import fold, normalise
from extended_memory.search.stems import LONGEST, stem
from extended_memory.search.stop_words import STOP_WORDS

LIKELY = (
    "abzABZ019éßñÉİıæł"
    + "абвёйЁЙщЩў"
    + "αβγάς"
    + "猫学習のデー々"
    + "회의서버"
    + "ประชุมน้ำ"
    + "سلامأـَّ"
    "שלוֹם"
    + "हिन्दी"
    + "தமிழ்"
    + "🚀👍🏽❤️🇩🇪"
    + "._-/:@+#'’ \t\n.,;!?()[]{}«»“”…。、·\0\u0301\u200d\u00ad"
)
TEXT = st.one_of(
    st.text(st.sampled_from(LIKELY), max_size=60),
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [
                *("getUserById", "v1.2.3rc1", "C++", "C#", "UTF-8", "l'eau", "don't", "APIs", "B"),
                *("2024-05-07T10:30", "a1b2.3c", "3.14", "E0308", "猫", "のデータ", "서버를", "1"),
                *("ประชุม", "ёлки", "the", ".", "-", "_", "/", " ", "\n", "+", "s"),
            ]
        ),
        max_size=12,
    ).map("".join),
)


def words(text: str) -> list[str]:
    """Divide a text at white space, control characters and punctuation, but for apostrophes."""
    apart = "".join(
        character
        if character in "'’" or not unicodedata.category(character).startswith(("P", "Z", "Cc"))
        else " "
        for character in text
    )
    return apart.split()


def has_letter_or_digit(word: str) -> bool:
    return any(
        unicodedata.category(character)[0] in "LN" and character != "\u0640"
        for character in unicodedata.normalize("NFKC", word)
    )


@given(TEXT)
@example("1.2.3rc1 x1.2b3c.4")
@example("2024-05-07T10:30:00Z")
def test_any_word_of_a_text_finds_it(text: str) -> None:
    indexed = set(terms(text))
    for word in words(text):
        if has_letter_or_digit(word):
            assert indexed & set(query_terms(word)), word


@given(TEXT)
def test_a_text_finds_itself(text: str) -> None:
    assert set(query_terms(text)) <= set(terms(text))


@given(TEXT)
def test_terms_are_short_and_plain(text: str) -> None:
    for term in [*terms(text), *query_terms(text)]:
        assert 0 < len(term) <= LONGEST
        assert term.encode()
        assert "\0" not in term
        assert term.split() == [term]


@given(TEXT)
def test_composed_and_decomposed_texts_have_the_same_terms(text: str) -> None:
    expected = terms(unicodedata.normalize("NFC", text))
    assert terms(unicodedata.normalize("NFD", text)) == expected
    assert terms(unicodedata.normalize("NFKC", text)) == expected
    assert terms(unicodedata.normalize("NFKD", text)) == expected
    assert terms(text) == expected


@given(TEXT)
def test_normalising_and_folding_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
    assert fold(fold(normalise(text))) == fold(normalise(text))


@given(
    st.lists(
        st.sampled_from(["привет", "ёлка", "йод", "naïve", "straße", "łódź", "ısı", "συνάντηση"])
    )
)
def test_case_makes_no_difference(written: list[str]) -> None:
    text = " ".join(written)
    assert terms(text.upper()) == terms(text.title()) == terms(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("getUserById", "get_user_by_id"),
        ("GET-USER-BY-ID", "get.user.by.id"),
        ("UTF-8", "utf8"),
        ("v1.2", "V1.2"),
        ("e-mail", "E_mail"),
        ("ёлка", "ЕЛКА"),
        ("Café", "cafe"),
        ("ﬁle", "file"),
        ("don’t", "don't"),
        ("👍🏽", "👍"),
        ("❤️", "❤"),
    ],
)
def test_two_spellings_are_one(one: str, other: str) -> None:
    assert terms(one) == terms(other)
    assert query_terms(one) == query_terms(other)


@pytest.mark.parametrize(
    ("one", "other"), [("йод", "иод"), ("C++", "C#"), ("🚀", "🐢"), ("0x80070005", "0x80240034")]
)
def test_two_words_are_two(one: str, other: str) -> None:
    assert set(query_terms(one)) - set(query_terms(other))


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("What is the Kubernetes version?", ["Kubernetes", "version"]),
        ("Когда мы перешли на PostgreSQL?", ["перешли", "PostgreSQL"]),
        ("what is it", ["what", "is", "it"]),
        ("东京 Tower", ["东京", "Tower"]),
        ("'; DROP TABLE contexts; --", ["DROP", "TABLE", "contexts"]),
        ('NEAR(cat* OR "dog', ["NEAR", "cat", "dog"]),
        ("???", []),
    ],
)
def test_the_telling_words_of_a_query(query: str, written: list[str]) -> None:
    assert [word.written for word in query_words(query)] == written


def test_stop_words_are_spelled_as_folded() -> None:
    assert {word for word in STOP_WORDS if fold(normalise(word)) != word} == set()
    assert "may" not in STOP_WORDS


@pytest.mark.parametrize(
    ("text", "term", "written"),
    [
        ("All Kubernetes clusters", "cluster", "clusters"),
        ("Настройками займётся Анна", "настройк", "Настройками"),
        ("see get_user_by_id", "user", "get_user_by_id"),
        ("小猫喜欢", "喜欢", "喜欢"),
        ("nothing of it", "cluster", None),
    ],
)
def test_a_text_tells_how_it_writes_a_term(text: str, term: str, written: str | None) -> None:
    assert spelling(text, term) == written


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "aB",
        "a.",
        "1.",
        "a1",
        "a'",
        "a_B1",
        "+",
        "a+",
        "猫",
        "猫a",
        "a\u0301",
        "\u0301",
        "🚀",
        "\0",
    ],
)
def test_a_text_without_a_space_is_analysed_at_once(unit: str) -> None:
    text = unit * (50_000 // len(unit))
    started = time.process_time()
    found = terms(text)
    assert time.process_time() - started < 2  # 0.1 s where nothing else runs
    assert set(query_terms(text)) <= set(found)


def test_stemming_is_done_with_a_word_cut_to_size() -> None:
    assert len(stem("a" * 1000)) <= LONGEST
    assert query_terms("я" * 1000) == tuple(terms("я" * 1000))


def test_a_start_does_not_load_the_stemmer() -> None:
    script = (
        "import sys, extended_memory.search.engine, extended_memory.search.passage;"
        "assert not [name for name in sys.modules if name.startswith('snowballstemmer')]"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
