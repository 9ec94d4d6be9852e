"""Each new thing is begun as one file that passes as it is, and mistakes in it are named with file and line."""

NEW = [
    ("control", "S3.900", "controls/s3/S3.900.md"),
    ("detection", "iam/user-renamed", "detections/iam/user-renamed.md"),
    ("playbook", "s3-tag", "playbooks/s3-tag.md"),
    ("resource", "AWS::SES::EmailIdentity", "resources/ses/emailidentity.md"),
]


def test_a_new_thing_is_one_file_that_passes(yagura, tmp_path):
    own = tmp_path / "own"
    for n, (kind, name, _) in enumerate(NEW, 1):
        made = yagura("content", "new", kind, name, "--dir", own)
        assert made.code == 0, made.err
        there = sorted(str(p.relative_to(own)) for p in own.rglob("*") if p.is_file())
        assert there == sorted(file for _, _, file in NEW[:n])
    tested = yagura("content", "test", "--content", own)
    assert tested.code == 0, tested.err
    listed = {row["id"] for row in yagura("content", "list", "--format", "ndjson", "--content", own).rows()}
    assert {name.rsplit("/", 1)[-1] for _, name, _ in NEW} <= listed
    again = yagura("content", "new", "control", "S3.900", "--dir", own)
    assert again.code == 2 and "exists" in again.err


def test_mistakes_are_named_with_file_and_line(yagura, tmp_path):
    own = tmp_path / "own"
    for name, rule in (("S3.900", 'resource.Bukcet == "x"'), ("S3.901", "true")):
        yagura("content", "new", "control", name, "--dir", own)
        file = own / f"controls/s3/{name}.md"
        text = file.read_text()
        line = next(n for n, l in enumerate(text.splitlines(), 1) if 'tags["Reviewed"]' in l)
        file.write_text(text.replace('tags["Reviewed"] == "yes"', rule))
    done = yagura("content", "test", "--content", own)
    assert done.code == 2
    assert f"S3.900.md:{line}: no property `Bukcet` on AWS::S3::Bucket" in done.err
    assert "this ```fail fixture must give FAIL, but gives PASS" in done.err
