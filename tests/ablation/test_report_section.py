from tests.ablation.test_ablation_figures import panel
from tf_handgroups.ablation.ablation_figures import interval_panels
from tf_handgroups.ablation.report_section import Picture, Section, Table

SECTION = Section(
    "Means <1>",
    ("First `word`.", "Second."),
    Table(("variant", "a|b"), (("one", "1 < 2"),)),
    (Picture("means", interval_panels({"a": panel([1.0, 2.0])}), "A caption."),),
    (("Again:", "train --set 'a=<1>'"),),
)


def test_markdown():
    assert SECTION.markdown() == (
        "## Means <1>\n\nFirst `word`.\n\nSecond.\n\n"
        "| variant | a\\|b |\n| --- | --- |\n| one | 1 < 2 |\n\n"
        "![A caption.](figures/means.png)\n\nAgain:\n\n```\ntrain --set 'a=<1>'\n```\n"
    )


def test_html_is_escaped_and_needs_no_file():
    page = SECTION.html()
    assert "<h2>Means &lt;1&gt;</h2>" in page and "<code>word</code>" in page
    assert "<td>1 &lt; 2</td>" in page and 'src="data:image/png;base64,' in page
    assert "<pre>train --set &#x27;a=&lt;1&gt;&#x27;</pre>" in page


def test_a_title_is_enough():
    assert Section("Nothing").markdown() == "## Nothing\n"
    assert Section("Nothing").html() == "<section><h2>Nothing</h2></section>"
