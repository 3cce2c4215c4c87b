import pytest
from matplotlib.colors import to_hex

from evocircuits.certificate import Certificate, Finding, Verdict
from evocircuits.errors import InputError
from evocircuits.forest import COLOURS, draw_certificate


def finding(kind: str, key: str, effect: float, what: str | None = None) -> Finding:
    return Finding(kind, key, what or key, effect, effect - 0.1, effect + 0.1, 0.001, 0.01, 0.5, 100)


def certificate(*findings: Finding, verdicts: tuple[Verdict, ...] = ()) -> Certificate:
    return Certificate(
        motif="a" * 64,
        task="order",
        trials=100,
        seed=0,
        score=0.9,
        low=0.85,
        high=0.95,
        findings=findings,
        verdicts=verdicts,
        census=(),
        structures=(),
        minimal=None,
        notes=(),
        version="0.1.0",
    )


def texts(figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_rows_of_a_kind_stand_together_the_largest_loss_first_and_strains_in_their_order():
    figure = draw_certificate(
        certificate(
            finding("knock-out", "mild", -0.2),
            finding("knock-out", "severe", -0.8),
            finding("robustness", "little noise", 0.0),
            finding("robustness", "much noise", -0.5),
            finding("knock-out", "minimal form", -0.3, what="all but 3 of 9 neurons removed"),
        )
    )
    title, *labels = [text for text in texts(figure) if "[" not in text]
    assert title == "order: 0.900 of the way from chance to ceiling"
    assert labels == [
        *("knocked out", "severe", "all but the minimal form", "mild"),
        *("strained", "little noise", "much noise"),
    ]


def test_a_row_is_its_effect_and_interval_in_the_colour_of_its_verdict():
    needed = finding("knock-out", "inhibition", -0.4)
    verdict = Verdict("necessary", "inhibition is necessary", "inhibition")
    figure = draw_certificate(certificate(needed, finding("change", "delays", 0.0), verdicts=(verdict,)))
    _zero, bar, dot, *others = figure.axes[1].lines
    assert bar.get_xdata() == pytest.approx([-0.5, -0.3])
    assert dot.get_xdata() == pytest.approx([-0.4])
    assert to_hex(bar.get_color()).upper() == COLOURS["necessary"]
    assert to_hex(others[0].get_color()).upper() not in COLOURS.values()
    assert f"{needed.figures}  necessary" in texts(figure)


def test_it_is_as_high_as_it_has_rows():
    few, many = (
        draw_certificate(certificate(*(finding("knock-out", f"n{k}", -0.1) for k in range(n))))
        for n in (2, 40)
    )
    assert many.get_figheight() - few.get_figheight() == pytest.approx(38 * 0.21)


def test_long_labels_are_cut_and_controls_have_short_names():
    figure = draw_certificate(
        certificate(finding("knock-out", "long", -0.1, what="x" * 80), finding("control", "random", -0.1))
    )
    assert "x" * 53 + "…" in texts(figure)
    assert "random ones of the same parts" in texts(figure)


def test_a_certificate_without_findings_and_every_format_can_be_drawn(tmp_path):
    for suffix in ("svg", "png", "pdf"):
        draw_certificate(certificate(), tmp_path / f"c.{suffix}", title="nothing")
        assert (tmp_path / f"c.{suffix}").stat().st_size > 1000
    with pytest.raises(InputError, match="expected a picture's suffix"):
        draw_certificate(certificate(), tmp_path / "c.txt")
