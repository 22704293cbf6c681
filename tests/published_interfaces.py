"""What Microsoft's published descriptions require of four interfaces: paths, parameters, members and their types.

Facts from Azure/azure-rest-api-specs (November 2026), written here anew and briefly: Resource Graph (resourcegraph,
2021-03-01 and 2022-10-01), metrics of many resources (metricBatch, 2023-10-01 and 2024-02-01), the activity log
(activityLogs_API, 2015-04-01) and autoscale settings (autoscale_API, 2022-10-01). The limit of 50 resources of one
subscription and type is from "Migrate from the metrics API to the getBatch API"; that a query must be JSON is from
Resource Graph's page on errors. Both the client and the rehearsal are held against this, so that neither is written to
suit the other.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema

TEXT: dict[str, Any] = {"type": "string"}
WHOLE: dict[str, Any] = {"type": "integer"}
YES_OR_NO: dict[str, Any] = {"type": "boolean"}
NUMBER: dict[str, Any] = {"type": "number"}
TEXTS: dict[str, Any] = {"type": "object", "additionalProperties": TEXT}
MOMENT: dict[str, Any] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"}


def _one_of(words: str) -> dict[str, Any]:
    return {"type": "string", "enum": words.split()}


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _list(items: Mapping[str, Any], **limits: Any) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), **limits}


def _object(required: str = "", **members: Any) -> dict[str, Any]:
    """An object with exactly these members, of which `required` must be there; `S_` at a name's beginning is `$`."""
    named = {name.replace("S_", "$"): kind for name, kind in members.items()}
    return {"type": "object", "properties": named, "required": required.split(), "additionalProperties": False}


LOCALIZED = _object("value", value=TEXT, localizedValue=TEXT)

# Resource Graph
GRAPH_REQUEST = _object(
    "query",
    query=TEXT,
    subscriptions=_list(TEXT),
    managementGroups=_list(TEXT),
    options=_object(
        S_skipToken=TEXT,
        S_top={**WHOLE, "minimum": 1, "maximum": 1000},
        S_skip={**WHOLE, "minimum": 0},
        resultFormat=_one_of("table objectArray"),
        allowPartialScopes=YES_OR_NO,
        authorizationScopeFilter=_one_of(
            "AtScopeAndBelow AtScopeAndAbove AtScopeExact AtScopeAboveAndBelow"
        ),  # since 2022-10-01
    ),
    facets=_list(_object("expression", expression=TEXT, options={"type": "object"})),
)
GRAPH_TABLE = _object(
    "columns rows",
    columns=_list(_object("name type", name=TEXT, type=_one_of("string integer number boolean object datetime"))),
    rows=_list({"type": "array"}),
)
GRAPH_ANSWER = _object(
    "totalRecords count resultTruncated data",
    totalRecords=WHOLE,
    count=WHOLE,
    resultTruncated=_one_of("true false"),
    S_skipToken=TEXT,
    data={"anyOf": [_list({"type": "object"}), GRAPH_TABLE]},
    facets=_list({"type": "object"}),
)
# A row's columns, if it is not projected: those of the table `resources` (reference of tables and query language).
GRAPH_COLUMNS = _names(
    "id name type tenantId kind location resourceGroup subscriptionId managedBy sku plan properties tags identity "
    "zones extendedLocation"
)

# Metrics of many resources
BATCH_REQUEST = _object("resourceids", resourceids=_list(TEXT, minItems=1, maxItems=50, uniqueItems=True))
POINT = _object(
    "timeStamp",
    timeStamp=MOMENT,
    average=NUMBER,
    minimum=NUMBER,
    maximum=NUMBER,
    total=NUMBER,
    count=NUMBER,
)
METRIC = _object(
    "id type name unit timeseries",
    id=TEXT,
    type=TEXT,
    name=LOCALIZED,
    displayDescription=TEXT,
    errorCode=TEXT,
    errorMessage=TEXT,
    unit=_one_of(
        "Count Bytes Seconds CountPerSecond BytesPerSecond Percent MilliSeconds ByteSeconds Unspecified Cores "
        "MilliCores NanoCores BitsPerSecond"
    ),
    timeseries=_list(_object(metadatavalues=_list(_object(name=LOCALIZED, value=TEXT)), data=_list(POINT))),
)
BATCH_ANSWER = _object(
    "values",
    values=_list(
        _object(
            "starttime endtime value",
            starttime=MOMENT,
            endtime=MOMENT,
            interval=TEXT,
            namespace=TEXT,
            resourceregion=TEXT,
            resourceid=TEXT,
            value=_list(METRIC),
        )
    ),
)
BATCH_AUDIENCES = tuple(f"https://metrics.monitor.azure.{end}" for end in ("com", "us", "cn"))

# Activity log
EVENT = _object(
    authorization=_object(action=TEXT, role=TEXT, scope=TEXT),
    claims=TEXTS,
    caller=TEXT,
    description=TEXT,
    id=TEXT,
    eventDataId=TEXT,
    correlationId=TEXT,
    eventName=LOCALIZED,
    category=LOCALIZED,
    httpRequest=_object(clientRequestId=TEXT, clientIpAddress=TEXT, method=TEXT, uri=TEXT),
    level=_one_of("Critical Error Warning Informational Verbose"),
    resourceGroupName=TEXT,
    resourceProviderName=LOCALIZED,
    resourceId=TEXT,
    resourceType=LOCALIZED,
    operationId=TEXT,
    operationName=LOCALIZED,
    properties=TEXTS,
    status=LOCALIZED,
    subStatus=LOCALIZED,
    eventTimestamp=MOMENT,
    submissionTimestamp=MOMENT,
    subscriptionId=TEXT,
    tenantId=TEXT,
)
SELECTABLE = _names(
    "authorization claims correlationId description eventDataId eventName eventTimestamp httpRequest level operationId "
    "operationName properties resourceGroupName resourceProviderName resourceId status submissionTimestamp subStatus "
    "subscriptionId"
)
_TIME = r"'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z'"
# "No other syntax is allowed."
LOG_FILTER = re.compile(
    rf"eventTimestamp ge {_TIME} and eventTimestamp le {_TIME}"
    r"( and (resourceGroupName|resourceUri|resourceProvider|correlationId) eq '[^']+')?"
)

# Autoscale settings
CAPACITY = _object("minimum maximum default", minimum=TEXT, maximum=TEXT, default=TEXT)
DURATION = {"type": "string", "pattern": r"^P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?$"}
TRIGGER = _object(
    "metricName metricResourceUri timeGrain statistic timeWindow timeAggregation operator threshold",
    metricName=TEXT,
    metricNamespace=TEXT,
    metricResourceUri=TEXT,
    metricResourceLocation=TEXT,
    timeGrain=DURATION,
    statistic=_one_of("Average Min Max Sum Count"),
    timeWindow=DURATION,
    timeAggregation=_one_of("Average Minimum Maximum Total Count Last"),
    operator=_one_of("Equals NotEquals GreaterThan GreaterThanOrEqual LessThan LessThanOrEqual"),
    threshold=NUMBER,
    dimensions=_list({"type": "object"}),
    dividePerInstance=YES_OR_NO,
)
ACTION = _object(
    "direction type cooldown",
    direction=_one_of("None Increase Decrease"),
    type=_one_of("ChangeCount PercentChangeCount ExactCount ServiceAllowedNextValue"),
    value=TEXT,
    cooldown=DURATION,
)
PROFILE = _object(
    "rules name capacity",
    name=TEXT,
    capacity=CAPACITY,
    rules=_list(_object("metricTrigger scaleAction", metricTrigger=TRIGGER, scaleAction=ACTION), maxItems=10),
    fixedDate=_object("start end", timeZone=TEXT, start=MOMENT, end=MOMENT),
    recurrence=_object(
        "frequency schedule",
        frequency=_one_of("None Second Minute Hour Day Week Month Year"),
        schedule=_object(
            "timeZone days hours minutes", timeZone=TEXT, days=_list(TEXT), hours=_list(WHOLE), minutes=_list(WHOLE)
        ),
    ),
)
SETTING = _object(
    "location properties",
    id=TEXT,
    name=TEXT,
    type=TEXT,
    location=TEXT,
    tags=TEXTS,
    systemData={"type": "object"},
    properties=_object(
        "profiles",
        profiles=_list(PROFILE, maxItems=20),
        notifications=_list({"type": "object", "required": ["operation"]}),
        enabled=YES_OR_NO,
        predictiveAutoscalePolicy={"type": "object"},
        name=TEXT,
        targetResourceUri=TEXT,
        targetResourceLocation=TEXT,
    ),
)

ONE_SETTING = r"/subscriptions/[^/]+/resourcegroups/[^/]+/providers/Microsoft\.Insights/autoscalesettings/[^/]+"

# An error of Resource Manager, of Resource Graph and of the metrics; what comes with a detail is not described.
DETAIL = {"type": "object", "properties": {"code": TEXT, "message": TEXT}, "required": ["code", "message"]}
ERROR = _object("error", error={**DETAIL, "properties": {"code": TEXT, "message": TEXT, "details": _list(DETAIL)}})


@dataclass(frozen=True)
class Interface:
    """One published operation. `query`: the parameters that it has; those in `needed` must be there."""

    method: str
    path: str
    versions: tuple[str, ...]
    answer: Mapping[str, Any]
    body: Mapping[str, Any] | None = None
    query: frozenset[str] = field(default=frozenset())
    needed: frozenset[str] = field(default=frozenset())


def _pages(items: Mapping[str, Any]) -> dict[str, Any]:
    return _object("value", value=_list(items), nextLink=TEXT)


INTERFACES = {
    "resource graph": Interface(
        "POST",
        r"/providers/Microsoft\.ResourceGraph/resources",
        ("2021-03-01", "2022-10-01"),
        GRAPH_ANSWER,
        body=GRAPH_REQUEST,
    ),
    "metrics batch": Interface(
        "POST",
        # The rehearsal stands in for the region's host with a path.
        r"(/metrics/[a-z0-9]+)?/subscriptions/[^/]+/metrics:getBatch",
        ("2023-10-01", "2024-02-01"),
        BATCH_ANSWER,
        body=BATCH_REQUEST,
        query=_names("starttime endtime interval metricnamespace metricnames aggregation top orderby filter rollupby"),
        needed=frozenset({"metricnamespace", "metricnames"}),
    ),
    "activity log": Interface(
        "GET",
        r"/subscriptions/[^/]+/providers/microsoft\.insights/eventtypes/management/values",
        ("2015-04-01",),
        _pages(EVENT),
        query=frozenset({"$filter", "$select"}),
    ),
    "autoscale setting PUT": Interface("PUT", ONE_SETTING, ("2022-10-01",), SETTING, body=SETTING),
    "autoscale setting DELETE": Interface("DELETE", ONE_SETTING, ("2022-10-01",), {}),
    "autoscale settings": Interface(
        "GET",
        r"/subscriptions/[^/]+/providers/Microsoft\.Insights/autoscalesettings",
        ("2022-10-01",),
        _pages(SETTING),
    ),
}


def check_request(
    name: str, method: str, url: str, headers: Mapping[str, str], body: bytes | str | Mapping[str, Any] | None = None
) -> None:
    """A request is as published. Raises AssertionError, or jsonschema's ValidationError for the body.

    The address of a next page is the service's own: it is not a request of this kind.
    """
    published, parts = INTERFACES[name], urlsplit(url)
    given = {key.lower(): value for key, value in headers.items()}
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    assert method == published.method, (name, method)
    assert re.fullmatch(published.path, parts.path, re.IGNORECASE), (name, parts.path)
    assert query.pop("api-version", None) in published.versions, (name, parts.query)
    names = {key.lower() for key in query}
    assert names <= published.query, (name, names - published.query)
    assert published.needed <= names, (name, published.needed - names)
    assert given.get("authorization", "").startswith("Bearer "), (name, "without a bearer token")
    if published.body is None:
        assert not body, (name, "a body that is not published")
    else:
        assert given.get("content-type", "").partition(";")[0] == "application/json", (name, given.get("content-type"))
        content = body if isinstance(body, Mapping) else json.loads(body or "null")
        jsonschema.validate(content, dict(published.body))
        if name == "metrics batch":
            _check_batch(parts.path, given["authorization"], query, content)
    if name == "activity log":
        assert LOG_FILTER.fullmatch(query.get("$filter", "")), (name, query.get("$filter"))
        assert set(filter(None, query.get("$select", "").split(","))) <= SELECTABLE, (name, query["$select"])


def _check_batch(path: str, authorization: str, query: Mapping[str, str], body: Mapping[str, Any]) -> None:
    """The resources are of one subscription and type, and the token is for this interface."""
    subscription = path.rpartition("/subscriptions/")[2].partition("/")[0].lower()
    places = [re.split(r"/providers/", item, flags=re.IGNORECASE)[-1].split("/") for item in body["resourceids"]]
    assert {item.split("/")[2].lower() for item in body["resourceids"]} == {subscription}
    assert len({"/".join([place[0], *place[1::2]]).lower() for place in places}) == 1, "several types of resources"
    assert "endtime" not in query or "starttime" in query
    for key in query.keys() & {"starttime", "endtime"}:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", query[key]), (key, query[key])
    # The middle of a JSON Web Token; the tokens of recordings are not ones.
    claims = authorization.partition(" ")[2].split(".")[1:2]
    if claims:
        audience = json.loads(base64.urlsafe_b64decode(claims[0] + "=" * (-len(claims[0]) % 4))).get("aud")
        assert str(audience).rstrip("/") in BATCH_AUDIENCES, audience


def check_answer(name: str, body: Any, *, error: bool = False) -> None:
    """An answer with status 200, or an error's, has the published members. Raises jsonschema's ValidationError."""
    jsonschema.validate(body, dict(ERROR if error else INTERFACES[name].answer))
    if error or name != "resource graph":
        return
    rows = body["data"] if isinstance(body["data"], list) else body["data"]["rows"]
    assert body["count"] == len(rows) <= body["totalRecords"]
    # Where there is a next page, nothing is cut off.
    assert not ("$skipToken" in body and body["resultTruncated"] == "true")
