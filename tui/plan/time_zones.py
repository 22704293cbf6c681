"""The time zones of Azure Monitor's autoscale settings, which are names of Windows.

From the description of Autoscale Settings (2022-10-01) and from azure-cli (_autoscale_util.py), as far as the latter's
are names of Windows.
"""

from __future__ import annotations

_STANDARD_TIMES = """AUS Central|AUS Eastern|Afghanistan|Alaskan|Aleutian|Altai|Arab|Arabian|Arabic|Argentina|Astrakhan|
Atlantic|Aus Central W.|Azerbaijan|Azores|Bahia|Bangladesh|Belarus|Bougainville|Canada Central|Cape Verde|Caucasus|
Cen. Australia|Central|Central America|Central Asia|Central Brazilian|Central Europe|Central European|Central Pacific|
Chatham Islands|China|Cuba|Dateline|E. Africa|E. Australia|E. Europe|E. South America|Easter Island|Eastern|Egypt|
Ekaterinburg|FLE|Fiji|GMT|GTB|Georgian|Greenland|Greenwich|Haiti|Hawaiian|India|Iran|Israel|Jordan|Kaliningrad|
Kamchatka|Korea|Libya|Line Islands|Lord Howe|Magadan|Magallanes|Marquesas|Mauritius|Mid-Atlantic|Middle East|Montevideo|
Morocco|Mountain|Myanmar|N. Central Asia|Namibia|Nepal|New Zealand|Newfoundland|Norfolk|North Asia|North Asia East|
North Korea|Omsk|Pacific|Pacific SA|Pakistan|Paraguay|Romance|Russian|SA Eastern|SA Pacific|SA Western|SE Asia|
Saint Pierre|Sakhalin|Samoa|Saratov|Singapore|South Africa|Sri Lanka|Sudan|Syria|Taipei|Tasmania|Tocantins|Tokyo|Tomsk|
Tonga|Transbaikal|Turkey|Turks and Caicos|US Eastern|US Mountain|Ulaanbaatar|Venezuela|Vladivostok|W. Australia|
W. Central Africa|W. Europe|W. Mongolia|West Asia|West Bank|West Pacific|Yakutsk"""

TIME_ZONES = (
    *("UTC", "UTC-11", "UTC-09", "UTC-08", "UTC-02", "UTC+12", "UTC+13"),
    *(f"{name} Standard Time" for name in _STANDARD_TIMES.replace("\n", "").split("|")),
    *(f"{name} Standard Time (Mexico)" for name in ("Pacific", "Mountain", "Central", "Eastern")),
    *("Russia Time Zone 3", "Russia Time Zone 10", "Russia Time Zone 11"),
)
