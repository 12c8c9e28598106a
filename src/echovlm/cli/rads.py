"""The commands ``echovlm rads ...``: one assessment system each, applied to values by name.

Words that a rule does not know are answered with those it knows.
"""

from __future__ import annotations

from typing import Annotated

import typer

from echovlm.cli import grades
from echovlm.cli.rule_result import Json, show_rule

rads_app = typer.Typer(
    help="Apply the rules of assessment systems to values that a person gives.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

SizeMm = Annotated[float | None, typer.Option("--size-mm", help="Largest diameter.")]
Composition = Annotated[
    str,
    typer.Option(
        "--composition",
        help="cystic, spongiform, mixed cystic and solid, solid, cannot be determined.",
    ),
]
Echogenicity = Annotated[
    str,
    typer.Option(
        "--echogenicity",
        help="anechoic, hyperechoic, isoechoic, hypoechoic, very hypoechoic, cannot be determined.",
    ),
]
NoduleShape = Annotated[
    str, typer.Option("--shape", help="wider-than-tall, taller-than-wide (transverse plane).")
]
NoduleMargin = Annotated[
    str,
    typer.Option(
        "--margin",
        help="smooth, ill-defined, lobulated, irregular, extrathyroidal extension, "
        "cannot be determined.",
    ),
]
Foci = Annotated[
    list[str] | None,
    typer.Option(
        "--foci",
        help="none, comet-tail, macrocalcification, peripheral, punctate; once for each kind.",
    ),
]


@rads_app.command()
def tirads(
    composition: Composition,
    echogenicity: Echogenicity,
    shape: NoduleShape,
    margin: NoduleMargin,
    foci: Foci = None,
    size_mm: SizeMm = None,
    as_json: Json = False,
) -> None:
    """ACR TI-RADS 2017: points, level and what the size asks for."""
    from echovlm.rads.acr_tirads import assess

    result = assess(
        composition=composition,
        echogenicity=echogenicity,
        shape=shape,
        margin=margin,
        foci=foci or ("none",),
        max_diameter_mm=size_mm,
    )
    years = ", ".join(str(year) for year in result.follow_up_years)
    action = f"{result.action} after {years} years" if years else result.action
    show_rule(
        result,
        as_json,
        f"{result.level} ({result.name}), {_points(result.total)}",
        *(f"  {line.feature}: {line.value}, {_points(line.points)}" for line in result.trail),
        f"Published risk of malignancy: {result.risk_percent:g} %",
        f"Action by size: {action or 'depends on the size, give --size-mm'}",
    )


@rads_app.command("c-tirads")
def c_tirads(
    composition: Composition,
    echogenicity: Echogenicity,
    shape: NoduleShape,
    margin: NoduleMargin,
    foci: Foci = None,
    size_mm: SizeMm = None,
    multifocal: Annotated[
        bool, typer.Option("--multifocal", help="Several suspicious nodules.")
    ] = False,
    next_to: Annotated[
        list[str] | None,
        typer.Option("--next-to", help="capsule, trachea, recurrent laryngeal nerve."),
    ] = None,
    proven: Annotated[
        bool, typer.Option("--proven", help="Malignancy is proven by biopsy.")
    ] = False,
    as_json: Json = False,
) -> None:
    """C-TIRADS 2020: score, category and whether the size asks for FNA."""
    from echovlm.rads.c_tirads import assess

    result = assess(
        composition=composition,
        echogenicity=echogenicity,
        shape=shape,
        margin=margin,
        foci=foci or ("none",),
        max_diameter_mm=size_mm,
        multifocal=multifocal,
        next_to=next_to or (),
        is_proven=proven,
    )
    fna = {None: "depends on the size, give --size-mm", True: "FNA", False: "no FNA"}[result.fna]
    score = "no score" if result.score is None else _points(result.score)
    show_rule(
        result,
        as_json,
        f"C-TIRADS {result.category} ({result.name}), {score}",
        *(f"  {line.feature}: {line.points:+d}" for line in result.trail),
        f"Published risk of malignancy: {result.risk}",
        f"Action by size: {fna}",
    )


@rads_app.command()
def birads(
    category: Annotated[str, typer.Option("--category", help="As stated: 0 to 6, 4A, 4B, 4C.")],
    shape: Annotated[str | None, typer.Option("--shape", help="oval, round, irregular.")] = None,
    orientation: Annotated[
        str | None, typer.Option("--orientation", help="parallel, not parallel.")
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option(
            "--margin",
            help="circumscribed, not circumscribed, indistinct, angular, microlobulated, "
            "spiculated.",
        ),
    ] = None,
    echogenicity: Annotated[
        str | None,
        typer.Option(
            "--echogenicity",
            help="anechoic, hyperechoic, complex cystic and solid, hypoechoic, isoechoic, "
            "heterogeneous.",
        ),
    ] = None,
    posterior: Annotated[
        str | None, typer.Option("--posterior", help="none, enhancement, shadowing, combined.")
    ] = None,
    calcification: Annotated[
        list[str] | None,
        typer.Option("--calcification", help="none, in a mass, outside of a mass, intraductal."),
    ] = None,
    vascularity: Annotated[
        str | None, typer.Option("--vascularity", help="absent, internal, rim.")
    ] = None,
    elasticity: Annotated[
        str | None, typer.Option("--elasticity", help="soft, intermediate, hard.")
    ] = None,
    risk_percent: Annotated[
        float | None, typer.Option("--risk-percent", help="Likelihood stated beside it.")
    ] = None,
    version: Annotated[str, typer.Option("--version", help="Edition; only 2013.")] = "2013",
    as_json: Json = False,
) -> None:
    """BI-RADS US 2013: whether a stated category fits the descriptors; none is ever computed."""
    from echovlm.rads.bi_rads import check

    result = check(
        category=category,
        shape=shape,
        orientation=orientation,
        margin=margin,
        echogenicity=echogenicity,
        posterior=posterior,
        calcification=calcification or (),
        vascularity=vascularity,
        elasticity=elasticity,
        risk_percent=risk_percent,
        version=version,
    )
    agreement = "no check failed" if result.consistent else "a check failed, see the warnings"
    show_rule(
        result,
        as_json,
        f"BI-RADS {result.category} ({result.zh}) as stated, not computed: {agreement}",
        f"Suspicious: {'; '.join(result.suspicious) or 'nothing that was given'}",
        f"Likelihood of malignancy of the category: {result.risk}",
        f"Usual management: {result.management}",
    )


@rads_app.command()
def orads(
    lesion: Annotated[
        str,
        typer.Option(
            "--lesion",
            help="normal ovary, follicle, corpus luteum, simple cyst, unilocular cyst, bilocular "
            "cyst, multilocular cyst, solid, haemorrhagic cyst, dermoid, endometrioma, "
            "paraovarian cyst, peritoneal inclusion cyst, hydrosalpinx.",
        ),
    ],
    contour: Annotated[str, typer.Option("--contour", help="smooth, irregular.")] = "smooth",
    size_mm: SizeMm = None,
    solid_component: Annotated[
        bool | None,
        typer.Option(
            "--solid-component/--no-solid-component", help="Solid part of 3 mm and more in a cyst."
        ),
    ] = None,
    papillary_projections: Annotated[
        int, typer.Option("--papillary-projections", help="Their number.")
    ] = 0,
    shadowing: Annotated[
        bool | None, typer.Option("--shadowing/--no-shadowing", help="Of a solid lesion.")
    ] = None,
    colour_score: Annotated[
        int | None, typer.Option("--colour-score", help="1 no flow to 4 very strong flow.")
    ] = None,
    postmenopausal: Annotated[
        bool | None, typer.Option("--postmenopausal/--premenopausal", help="Menopause.")
    ] = None,
    ascites: Annotated[
        bool, typer.Option("--ascites", help="Ascites or peritoneal nodules.")
    ] = False,
    incomplete: Annotated[
        bool, typer.Option("--incomplete", help="Technically incomplete examination.")
    ] = False,
    version: Annotated[str, typer.Option("--version", help="Edition; only v2022.")] = "v2022",
    as_json: Json = False,
) -> None:
    """O-RADS US v2022: category, risk and management of an adnexal lesion."""
    from echovlm.rads.o_rads import assess

    result = assess(
        lesion=lesion,
        contour=contour,
        max_diameter_mm=size_mm,
        solid_component=solid_component,
        papillary_projections=papillary_projections,
        shadowing=shadowing,
        colour_score=colour_score,
        postmenopausal=postmenopausal,
        ascites_or_nodules=ascites,
        complete=not incomplete,
        version=version,
    )
    show_rule(
        result,
        as_json,
        f"O-RADS {result.category} ({result.name}): {result.lesion}",
        f"Published risk of malignancy: {result.risk}",
        *(f"Management: {said}" for said in result.management),
    )


rads_app.command("carotid")(grades.carotid)
rads_app.command("fatty-liver")(grades.fatty_liver)
rads_app.command("hydronephrosis")(grades.hydronephrosis)
rads_app.command("heart")(grades.heart)


def _points(count: int) -> str:
    return f"{count} point" if abs(count) == 1 else f"{count} points"
