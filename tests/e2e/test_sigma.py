"""Sigma as the world means it: pySigma reads the same rules, a naive evaluator of a few lines judges the same events by what
pySigma made of them, and not one pair may come out otherwise."""

import collections
import datetime
import ipaddress
import json
import operator
import random
import re
import uuid

import pytest
import yaml
from sigma import types
from sigma.collection import SigmaCollection
from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionNOT, ConditionOR, ConditionValueExpression
from test_hunt import record

RULES, EVENTS = 400, 60
WORDS = ["Alpha", "alphabet", "beta", "x-ray", "a*b", "a?c", "C:\\Temp\\a", "-exec", "/exec", "日本語", "", "7", "42", "ba\nse"]


# What pySigma parsed, judged naively.


def places_at(value, path):
    """What stands at a dotted path; a list on the way stands for its elements, a name with dots in it counts as well."""
    if isinstance(value, list):
        return [v for element in value for v in places_at(element, path)]
    found = []
    for key, inner in value.items() if isinstance(value, dict) else []:
        if path == key:
            found.append(inner)
        elif path.startswith(key + "."):
            found += places_at(inner, path[len(key) + 1 :])
    return found


def scalars(value):
    return [v for element in value for v in scalars(element)] if isinstance(value, list) else [value]


def values_at(event, path):
    return scalars(places_at(event, path))


def text_of(value):
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def glob(string):
    """A SigmaString as a regular expression."""
    out = ""
    for part in string.s:
        out += {types.SpecialChars.WILDCARD_MULTI: ".*", types.SpecialChars.WILDCARD_SINGLE: "."}[part] if isinstance(part, types.SpecialChars) else re.escape(part)
    return out


FLAGS = types.SigmaRegularExpression.sigma_to_python_flags
PARTS = {
    types.TimestampPart.MINUTE: lambda t: t.minute, types.TimestampPart.HOUR: lambda t: t.hour, types.TimestampPart.DAY: lambda t: t.day,
    types.TimestampPart.WEEK: lambda t: t.isocalendar().week, types.TimestampPart.MONTH: lambda t: t.month, types.TimestampPart.YEAR: lambda t: t.year,
}
ORDERS = {"LT": operator.lt, "LTE": operator.le, "GT": operator.gt, "GTE": operator.ge}


def one(wanted, value, event):
    """Whether one value of an event is what a rule's value asks for."""
    text = text_of(value)
    if isinstance(wanted, types.SigmaNull):
        return value is None
    if isinstance(wanted, types.SigmaBool):
        return text is not None and text.lower() == str(wanted.boolean).lower()
    if isinstance(wanted, types.SigmaExpansion):
        return any(one(v, value, event) for v in wanted.values)
    if text is None:
        return False
    if isinstance(wanted, types.SigmaTimestampPart):
        try:
            return PARTS[wanted.timestamp_part](datetime.datetime.fromisoformat(text).astimezone(datetime.UTC)) == wanted.number
        except ValueError:
            return False
    if isinstance(wanted, types.SigmaNumber):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return value == wanted.number if is_number else text == str(wanted.number)
    if isinstance(wanted, types.SigmaCompareExpression):
        try:
            return ORDERS[wanted.op.name](float(text), float(wanted.number.number))
        except ValueError:
            return False
    if isinstance(wanted, types.SigmaCIDRExpression):
        try:
            return ipaddress.ip_address(text) in wanted.network
        except ValueError:
            return False
    if isinstance(wanted, types.SigmaRegularExpression):
        flags = 0
        for flag in wanted.flags:
            flags |= FLAGS[flag]
        return re.search(str(wanted.regexp), text, flags) is not None
    if isinstance(wanted, types.SigmaFieldReference):
        others = [text_of(v) for v in values_at(event, wanted.field)]
        test = {(False, False): str.__eq__, (True, False): str.startswith, (False, True): str.endswith, (True, True): str.__contains__}
        compare = test[wanted.starts_with, wanted.ends_with]
        return any(compare(text.lower(), other.lower()) for other in others if other is not None)
    cased = isinstance(wanted, types.SigmaCasedString)
    return re.fullmatch(glob(wanted), text, re.DOTALL | (0 if cased else re.IGNORECASE)) is not None


def holds(node, event):
    if isinstance(node, ConditionAND):
        return all(holds(arg, event) for arg in node.args)
    if isinstance(node, ConditionOR):
        return any(holds(arg, event) for arg in node.args)
    if isinstance(node, ConditionNOT):
        return not holds(node.args[0], event)
    if isinstance(node, ConditionValueExpression):
        whole = json.dumps(event, ensure_ascii=False)
        return re.search(glob(node.value), whole, re.DOTALL | re.IGNORECASE) is not None
    assert isinstance(node, ConditionFieldEqualsValueExpression), node
    places = places_at(event, node.field)
    if isinstance(node.value, types.SigmaExists):
        return bool(places) == node.value.exists
    if isinstance(node.value, types.SigmaNull) and not places:
        return True
    return any(one(node.value, value, event) for value in scalars(places))


# Rules and events by chance.


def an_event(dice, n):
    word = lambda: dice.choice(WORDS)
    params = {
        "a": dice.choice([word(), word(), None, 7, 42, 4.5, True]),
        "b": [word() for _ in range(dice.randrange(4))],
        "n": dice.choice([0, 1, 7, 42, -3, 10.5, "7", "many"]),
        "nested": {"inner": word(), "list": [{"k": word()}, {"k": word()}]},
        "c.d": word(),
        "flag": dice.choice([True, False]),
        "at": dice.choice(["2026-01-02T03:04:05Z", "2026-07-15T23:59:00Z", "2025-12-29T00:30:00+09:00", "soon"]),
        "ip": dice.choice(["10.1.2.3", "192.0.2.9", "2001:db8::1", "ec2.amazonaws.com"]),
        "copy": word(),
    }
    for key in list(params):
        if dice.random() < 0.15:
            del params[key]
    return record(n, eventName=dice.choice(["GetThing", "PutThing", "StopThing"]), requestParameters=params)


TEXT_FIELDS = ["requestParameters.a", "requestParameters.b", "requestParameters.nested.inner", "requestParameters.nested.list.k",
               "requestParameters.c.d", "requestParameters.copy", "eventName", "requestParameters.absent"]
PIECES = ["Alpha", "alpha*", "*bet*", "b?ta", "a\\*b", "a\\?c", "C:\\\\Temp\\\\*", "C:\\Temp", "日本*", "*語", "", "-exec", "7", "Get", "Thing", "*", "e"]
EXPRESSIONS = ["^Alpha", "bet.$", "[a-c]\\*?", "(alpha|beta)bet", "a.c", "se$", "^ba", "T.ing"]


def an_item(dice):
    """A detection item: its key with modifiers, and its value or values."""
    field = dice.choice(TEXT_FIELDS)
    some = lambda pool, most=3: dice.choice([dice.choice(pool), [dice.choice(pool) for _ in range(dice.randrange(1, most + 1))]])
    kind = dice.randrange(16)
    if kind < 4:
        return field, some(PIECES + [7, 42, None, True, 4.5])
    if kind < 7:
        chain = dice.choice(["contains", "startswith", "endswith", "contains|all", "cased", "contains|cased", "startswith|cased", "neq", "contains|neq"])
        return f"{field}|{chain}", some([p for p in PIECES if p])
    if kind == 7:
        return f"{field}|re{dice.choice(['', '|i', '|m', '|s', '|i|s', '|m|i'])}", some(EXPRESSIONS)
    if kind == 8:
        return f"requestParameters.ip|cidr", some(["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "10.1.2.3/32"])
    if kind == 9:
        return f"requestParameters.n|{dice.choice(['lt', 'lte', 'gt', 'gte'])}", dice.choice([0, 7, 10.5, -3, 42])
    if kind == 10:
        return f"{dice.choice(TEXT_FIELDS + ['requestParameters.n'])}|exists", dice.choice([True, False])
    if kind == 11:
        return f"{field}|fieldref{dice.choice(['', '|startswith', '|endswith', '|contains'])}", dice.choice(["requestParameters.copy", "requestParameters.a"])
    if kind == 12:
        part, value = dice.choice([("minute", 4), ("hour", 3), ("hour", 15), ("day", 28), ("week", 52), ("month", 7), ("year", 2026), ("day", 2)])
        return f"requestParameters.at|{part}", value
    if kind == 13:
        return f"{field}|{dice.choice(['windash', 'windash|contains'])}", some(["-exec", "/exec", "x-ray"])
    if kind == 14:
        return f"{field}|{dice.choice(['base64', 'base64offset|contains', 'wide|base64', 'utf16|base64', 'wide|base64offset|contains'])}", some(["Alpha", "beta"])
    return "requestParameters.n", some([7, 42, "7", "many", 10.5, None])


def a_condition(dice, names):
    def tree(depth):
        if depth == 0 or dice.random() < 0.35:
            leaf = dice.choice(names + ["1 of sel*", "all of sel*", "1 of them", "all of them", f"1 of {names[0][:-1]}*"])
            return leaf
        shape = dice.choice(["and", "or", "not", "group"])
        if shape == "not":
            return f"not {tree(0)}" if dice.random() < 0.6 else f"not ({tree(depth - 1)})"
        if shape == "group":
            return f"({tree(depth - 1)})"
        return f"{tree(depth - 1)} {shape} {tree(depth - 1)}"
    return tree(3)


def a_rule(dice, number):
    detection = {}
    for n in range(dice.randrange(1, 4)):
        shape = dice.random()
        if shape < 0.1:
            detection[f"sel_{n}"] = dice.choice([["Alpha", "StopThing"], ["*beta*"], ["日本語"]])
        elif shape < 0.25:
            detection[f"sel_{n}"] = [dict(an_item(dice) for _ in range(dice.randrange(1, 3))) for _ in range(2)]
        else:
            detection[f"sel_{n}"] = dict(an_item(dice) for _ in range(dice.randrange(1, 4)))
    return {
        "title": f"Rule {number}", "id": f"00000000-0000-4000-8000-{number:012}", "status": "test", "level": "low",
        "logsource": {"product": "aws", "service": "cloudtrail"},
        "detection": {**detection, "condition": a_condition(dice, list(detection))},
    }


def hunt(yagura, rules, events, **options):
    folder = yagura.folder / "rules"
    folder.mkdir(exist_ok=True)
    for number, rule in enumerate(rules):
        (folder / f"{number:04}.yml").write_text(rule if isinstance(rule, str) else yaml.safe_dump(rule, sort_keys=False, allow_unicode=True))
    (yagura.folder / "events.ndjson").write_text("".join(json.dumps(e, ensure_ascii=False) + "\n" for e in events))
    done = yagura("hunt", "events.ndjson", "--rules", "rules", "--only-rules", "--format", "ndjson", "--strict", **options)
    found = collections.defaultdict(set)
    for row in done.rows():
        assert not row["truncated"]
        found[row["detection"]] |= set(row["event_ids"])
    return done, found


def test_no_rule_is_read_otherwise(yagura):
    dice = random.Random(7117)
    rules = [a_rule(dice, n) for n in range(RULES)]
    events = [an_event(dice, n) for n in range(EVENTS)]
    done, found = hunt(yagura, rules, events)
    assert done.code == 0, done.err
    pairs, hits, wrong = 0, 0, []
    for rule in rules:
        collection = SigmaCollection.from_dicts([rule])
        [condition] = collection.rules[0].detection.parsed_condition
        parsed = condition.parsed
        for event in events:
            wanted, got = holds(parsed, event), event["eventID"] in found[rule["id"]]
            pairs, hits = pairs + 1, hits + wanted
            if wanted != got:
                wrong.append((wanted, got, rule["detection"], event["requestParameters"], event["eventName"]))
    assert not wrong, f"{len(wrong)} of {pairs} pairs; {wrong[0]}"
    assert pairs == RULES * EVENTS and pairs // 10 < hits < pairs * 9 // 10, (pairs, hits)


def ident(name):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def correlation(kind, **more):
    return {"title": kind, "id": ident(kind), "status": "test", "level": "high",
            "correlation": {"type": kind, "timespan": "10m", "group-by": ["requestParameters.user"], **more}}


def base(name, event):
    return {"title": name, "id": ident(name), "name": name, "status": "test", "level": "low",
            "logsource": {"product": "aws", "service": "cloudtrail"},
            "detection": {"sel": {"eventName": event}, "condition": "sel"}}


def naive_correlation(kind, events, need, timespan=600):
    """Ids of all events in a window that satisfies the condition, by trying every window that ends at an event."""
    involved = set()
    groups = collections.defaultdict(list)
    for event in events:
        groups[event["requestParameters"]["user"]].append(event)
    for group in groups.values():
        stamped = sorted((datetime.datetime.fromisoformat(e["eventTime"]).timestamp(), e["eventName"], e) for e in group)
        if kind == "temporal_ordered":
            involved |= ordered(stamped, need, timespan)
            continue
        for now, *_ in stamped:
            window = [e for t, _, e in stamped if now - timespan <= t <= now]
            names = {e["eventName"] for e in window}
            good = {
                "event_count": lambda: len(window) >= need,
                "value_count": lambda: len({e["requestParameters"]["target"] for e in window}) >= need,
                "temporal": lambda: names >= set(need),
            }[kind]()
            if good:
                involved |= {e["eventID"] for e in window}
    return involved


def ordered(stamped, names, timespan):
    """For each last event the chain that begins latest; all events between its ends."""
    involved = set()
    for end, (now, name, _) in enumerate(stamped):
        if name != names[-1]:
            continue
        starts = [t for t, n, _ in stamped if n == names[0] and now - timespan <= t <= now and chain(stamped, names, t, now)]
        if starts:
            involved |= {e["eventID"] for t, n, e in stamped if max(starts) <= t <= now and n in names}
    return involved


def chain(stamped, names, start, end):
    at = start
    for name in names[1:]:
        later = [t for t, n, _ in stamped if n == name and at <= t <= end]
        if not later:
            return False
        at = min(later)
    return True


CORRELATIONS = {
    "event_count": (dict(rules=["first"], condition={"gte": 4}), 4),
    "value_count": (dict(rules=["first"], condition={"gte": 3, "field": "requestParameters.target"}), 3),
    "temporal": (dict(rules=["first", "second"]), ["One", "Two"]),
    "temporal_ordered": (dict(rules=["first", "second", "third"]), ["One", "Two", "Three"]),
}


@pytest.mark.parametrize("kind", CORRELATIONS)
def test_correlations(yagura, kind):
    more, need = CORRELATIONS[kind]
    dice = random.Random(kind)
    events = []
    for n in range(400):
        # No two events at one instant: what their order is then, nobody can say.
        second = n * 37 + dice.randrange(30)
        time = datetime.datetime(2026, 1, 2) + datetime.timedelta(seconds=second)
        events.append(record(n, eventTime=time.strftime("%Y-%m-%dT%H:%M:%SZ"), eventName=dice.choice(["One", "Two", "Three", "Other"]),
                             requestParameters={"user": f"u{dice.randrange(9)}", "target": f"t{dice.randrange(4)}"}))
    dice.shuffle(events)
    rules = [base("first", "One"), base("second", "Two"), base("third", "Three"), correlation(kind, **more)]
    used = [r for r in rules if r.get("name", "") in ["", *more["rules"]]]
    SigmaCollection.from_dicts([dict(r) for r in used])
    done, found = hunt(yagura, used, events)
    assert done.code == 0, done.err
    relevant = [e for e in events if e["eventName"] in {"first": ["One"]}.get(more["rules"][-1], need)]
    wanted = naive_correlation(kind, relevant, need)
    assert found[ident(kind)] == wanted and 0 < len(wanted) < len(relevant)
    assert not set(found) - {ident(kind)}, "the rules below a correlation are silent"


def test_rules_that_cannot_be_used_are_named(yagura):
    head = "title: T\nlogsource: {product: aws, service: cloudtrail}\n"
    broken = {
        "modifier": (head + "detection:\n  sel:\n    a|nonsense: 1\n  condition: sel\n", 5, "nonsense"),
        "condition": (head + "detection:\n  sel: {a: 1}\n  condition: sel and\n", 5, "condition"),
        "name": (head + "detection:\n  sel: {a: 1}\n  condition: other\n", 5, "other"),
        "regex": (head + "detection:\n  sel:\n    a|re: '('\n  condition: sel\n", 5, "regular expression"),
        "yaml": (head + "detection: [\n", 0, ""),
        "level": (head + "level: awful\ndetection:\n  sel: {a: 1}\n  condition: sel\n", 0, "awful"),
        "none": (head, 0, "detection"),
    }
    done, found = hunt(yagura, [text for text, *_ in broken.values()], [record()])
    assert done.code == 4, done.err
    for number, (_, line, reason) in enumerate(broken.values()):
        [named] = [l for l in done.err.splitlines() if f"{number:04}.yml" in l]
        assert reason in named and (not line or f":{line}:" in named), named
    (yagura.folder / "windows").mkdir()
    (yagura.folder / "windows/w.yml").write_text("title: W\nlogsource: {product: windows}\ndetection:\n  sel: {a: 1}\n  condition: sel\n")
    other = yagura("hunt", "events.ndjson", "--rules", "windows", "--format", "ndjson", "--strict")
    assert other.code == 0 and "other products" in other.err, other.err
    assert yagura("hunt", "events.ndjson", "--only-rules").code == 2
    assert yagura("hunt", "events.ndjson", "--rules", "nowhere").code == 2
