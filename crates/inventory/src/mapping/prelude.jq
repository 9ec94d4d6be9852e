# Functions that every block of a resource file may use. They are not rewritten as blocks are (see poison.rs), so each
# says itself where a marker may not be used: `known` fails with it.

def known: if yagura_marker then error(.) else . end;
def unknown($why): {"$unknown": $why};

# AWS's many forms of tags (lists of Key and Value, maps) as one object.
def tag_map:
  known
  | if . == null then {}
    elif isarray then
      map({((.Key // .key // .TagKey // .tagKey // .name // "") | tostring):
           ((if has("Value") then .Value elif has("value") then .value else (.TagValue // .tagValue) end) // "")})
      | add // {}
    elif isobject then .
    else {} end;

# A policy document as an object, from an object, JSON text or percent-encoded JSON text; null stays null.
def document:
  known
  | if isstring then
      if . == "" then null elif startswith("%") then (@urid | fromjson) else fromjson end
      | if isstring then fromjson else . end
    else . end;

# f of what is known; a marker stays where it is.
def keep(f): if yagura_marker then . else f end;

# Whether there is a value at all, known or not.
def is_set: if yagura_marker then true else . != null end;

# Text, boolean or null as boolean or null.
def bool:
  known
  | if isboolean or . == null then .
    elif isstring then (ascii_downcase | if . == "true" then true elif . == "false" then false else null end)
    else null end;

# Text or number as number; null and "" as null.
def number: known | if . == null or . == "" then null elif isstring then tonumber else . end;

# null for what is empty.
def filled: known | if . == [] or . == {} or . == "" then null else . end;

# An object without its null entries.
def prune: known | with_entries(select(.value != null));

# Member names with a capital first letter, as the API and CloudFormation write what AWS Config writes with a small one.
def pascal:
  if isobject then with_entries(.key |= ((.[:1] | ascii_upcase) + .[1:]) | .value |= pascal)
  elif isarray then map(pascal)
  else . end;

# A time as RFC 3339 with Z; what the credential report writes for "none" is null.
def time:
  known
  | if . == null or . == "" or . == "N/A" or . == "no_information" or . == "not_supported" then null
    elif isnumber then (if . > 100000000000 then . / 1000 else . end | floor | todate)
    elif isstring then (sub("\\+00:00$"; "Z") | sub("\\.[0-9]+Z$"; "Z"))
    else null end;

# The first element, null when there is none; Terraform writes a nested block as a list.
def block: known | if isarray then .[0] else . end;

# What follows the last `/`, or `:`.
def last_segment: known | if isstring then split("/") | last else . end;

# Terraform: an attribute that the configuration sets. One that the provider computes when nobody sets it is unknown in
# a plan, though leaving it out means AWS's default; without the plan's configuration every unknown one counts as left out.
def configured($name):
  if .configured == null then .values[$name] | if yagura_marker then null else . end
  elif any(.configured[]; . == $name) then .values[$name]
  else null end;

# What AWS tells of an identity's last uses, as IAM answers it; null: nobody asked.
def last_accessed:
  keep(if . == null then {Asked: false}
    elif .JobStatus == "FAILED" then unknown("iam:GenerateServiceLastAccessedDetails (\(.Error.Code // "failed"))")
    else {Asked: true, Services: [.ServicesLastAccessed[]? | {
      Service: .ServiceNamespace,
      Date: (.LastAuthenticated | time),
      Actions: [if .LastAuthenticated == null then empty else .TrackedActionsLastAccessed[]? end
        | {Name: .ActionName, Date: (.LastAccessedTime | time)}]
    }]} end);
