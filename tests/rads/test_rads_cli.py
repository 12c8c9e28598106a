"""The commands ``echovlm rads ...``: layout, JSON, errors and exit codes."""

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from echovlm import cli
from echovlm.cli import app
from echovlm.cli.rule_result import STATUS

NODULE = [
    *("--composition", "solid", "--echogenicity", "hypoechoic"),
    *("--shape", "taller-than-wide", "--margin", "smooth"),
]
SIGNS = ["--parenchyma", "slight increase", "--vessels", "seen", "--diaphragm", "seen"]
POSTNATAL = ["hydronephrosis", "--system", "utd-postnatal"]
ANTENATAL = ["hydronephrosis", "--system", "utd-antenatal"]
SFU = ["hydronephrosis", "--system", "sfu"]

RESULTS = [
    (
        ["tirads", *NODULE, "--foci", "punctate", "--foci", "macrocalcification"],
        ["TR5 (highly suspicious), 11 points", "foci: punctate, 3 points", "give --size-mm"],
    ),
    (["tirads", *NODULE, "--size-mm", "12"], ["Action by size: FNA"]),
    (["tirads", *NODULE, "--size-mm", "7"], ["follow-up after 1, 2, 3, 4, 5 years"]),
    (
        ["c-tirads", *NODULE, "--size-mm", "8", "--next-to", "capsule"],
        ["C-TIRADS 4B (moderate suspicion), 2 points", "solid: +1", "Action by size: FNA"],
    ),
    (["c-tirads", *NODULE, "--multifocal"], ["depends on the size"]),
    (["c-tirads", *NODULE, "--proven"], ["C-TIRADS 6 (proven by biopsy), no score"]),
    (
        ["birads", "--category", "2", "--shape", "irregular"],
        ["BI-RADS 2 (良性) as stated, not computed", "Warning: Category 2 is stated beside"],
    ),
    (["birads", "--category", "4a", "--margin", "angular"], ["no check failed"]),
    (
        ["orads", "--lesion", "multilocular cyst", "--size-mm", "60", "--colour-score", "2"],
        ["O-RADS 3 (low risk)", "Management: gynaecologist"],
    ),
    (["orads", "--lesion", "dermoid", "--incomplete"], ["O-RADS 0"]),
    (
        [
            *("carotid", "--psv-cm-per-s", "250", "--plaque-percent", "60"),
            *("--ratio", "4.5", "--edv-cm-per-s", "90"),
        ],
        ["Stenosis: >=70 % (重度狭窄)", "ratio agrees", "EDV disagrees", "Warning: Supporting"],
    ),
    (["carotid", "--flow", "absent"], ["Stenosis: occlusion (闭塞)"]),
    (["fatty-liver", *SIGNS], ["grade 1, mild (轻度脂肪肝)"]),
    ([*SFU, "--pelvis", "dilated", "--calyces", "central"], ["SFU grade 2"]),
    (
        [*POSTNATAL, "--aprpd-mm", "12", "--calyces", "peripheral"],
        ["UTD P2, risk: intermediate", "decided by after birth: peripheral calyces"],
    ),
    (
        [*ANTENATAL, "--aprpd-mm", "5", "--gestation-weeks", "20"],
        ["UTD A1, risk: low", "decided by APRPD at 16-27 weeks"],
    ),
    (
        ["heart", "--parameter", "lvidd", "--value", "60", "--sex", "male"],
        ["60 mm (male): mildly abnormal"],
    ),
    (
        ["heart", "--edv-ml", "120", "--esv-ml", "70", "--sex", "female"],
        ["EF 41.7 % (female): mildly abnormal", "mildly reduced"],
    ),
    (
        [
            *("heart", "--parameter", "lvidd", "--value", "60"),
            *("--reference-set", "chinese-single-table"),
        ],
        ["60 mm (either): abnormal", "Chinese single table"],
    ),
]


@pytest.mark.parametrize(("arguments", "words"), RESULTS)
def test_a_result_is_shown_with_source_provenance_and_status(arguments, words):
    result = CliRunner().invoke(app, ["rads", *arguments])
    assert result.exit_code == 0, result.output
    for said in (*words, "\nSystem: ", "\nProvenance: "):
        assert said in result.stdout
    assert result.stdout.endswith(f"\n{STATUS}\n")
    assert STATUS == "Computed by rule from the values given; preliminary, not medical advice."


@pytest.mark.parametrize("arguments", [arguments for arguments, _ in RESULTS])
def test_json_is_one_document_with_the_same_source(arguments):
    result = CliRunner().invoke(app, ["rads", *arguments, "--json"])
    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["status"] == "preliminary"
    assert document["computed"] is (arguments[0] != "birads")
    for name in ("system", "version", "citation"):
        assert document[name]
    for used in document["provenance"]:
        assert used["provenance"].startswith(("seen: ", "knowledge: "))


def test_the_json_of_a_nodule_has_the_trail_of_points():
    result = CliRunner().invoke(app, ["rads", "tirads", *NODULE, "--size-mm", "12", "--json"])
    document = json.loads(result.stdout)
    assert (document["level"], document["total"], document["action"]) == ("TR5", 7, "FNA")
    assert document["trail"][2] == {"feature": "shape", "value": "taller-than-wide", "points": 3}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tirads", "--composition", "solid"], "Missing option"),
        (["tirads", *NODULE[:-1], "spiculated"], "choose one of smooth, ill-defined"),
        (["tirads", *NODULE, "--foci", "none", "--foci", "punctate"], "'none' and something else"),
        (["tirads", *NODULE, "--size-mm", "nan"], "must be a finite number"),
        (["tirads", *NODULE, "--size-mm", "-3"], "above 0"),
        (["tirads", *NODULE, "--size-mm", "inf"], "must be a finite number"),
        (["tirads", *NODULE, "--size-mm", "big"], "valid number"),
        (["tirads", *NODULE[:3], "anechoic", *NODULE[4:]], "Only a cystic nodule is anechoic"),
        (["c-tirads", *NODULE, "--next-to", "oesophagus"], "capsule, trachea"),
        (["birads", "--category", "4D"], "choose one of 0, 1, 2"),
        (["birads", "--category", "2", "--version", "v2025"], "use '2013'"),
        (["orads", "--lesion", "cyst"], "choose one of normal ovary"),
        (["orads", "--lesion", "multilocular cyst"], "depends on"),
        (["orads", "--lesion", "solid", "--colour-score", "5"], "colour_score"),
        (["orads", "--lesion", "dermoid", "--version", "v2020"], "use 'v2022'"),
        (["carotid"], "psv_cm_per_s is needed"),
        (["carotid", "--psv-cm-per-s", "90", "--edv-cm-per-s", "95"], "cannot exceed"),
        (["carotid", "--flow", "fast"], "present, string, absent"),
        (["fatty-liver", *SIGNS[:-1], "bright"], "seen, impaired, not seen"),
        ([*SFU], "--pelvis is needed for 'sfu'"),
        ([*SFU, "--pelvis", "split", "--aprpd-mm", "12"], "--aprpd-mm is for 'utd'"),
        ([*POSTNATAL, "--aprpd-mm", "12", "--oligohydramnios"], "is for 'utd-antenatal'"),
        ([*ANTENATAL, "--aprpd-mm", "5"], "--gestation-weeks is needed"),
        (["hydronephrosis", "--system", "adult"], "'adult'"),
        (["heart", "--sex", "male"], "Give either --parameter and --value"),
        (["heart", "--parameter", "ef", "--value", "50"], "give 'male' or 'female'"),
        (["heart", "--edv-ml", "100", "--sex", "male"], "both volumes"),
        (
            ["heart", "--parameter", "ef", "--value", "50", "--reference-set", "ase-2005"],
            "2005",
        ),
    ],
)
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_bad_input_is_one_sentence_and_exit_code_2(capsys, arguments, words, more):
    code = cli.run(["rads", *arguments, *more])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert words in err
    assert err.startswith("Error: ")
    assert err.count("\n") == 1


def test_the_page_shows_what_is_printed():
    page = (Path(__file__).resolve().parents[2] / "docs" / "rads.md").read_text(encoding="utf-8")
    command = page.split("```bash\n", 1)[1].splitlines()[0]
    result = CliRunner().invoke(app, shlex.split(command)[1:])
    assert f"```text\n{result.stdout}```" in page
