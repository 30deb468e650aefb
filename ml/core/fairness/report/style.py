"""The style sheet of the report, for screen and paper.

Belongs here: CSS as text. Does not belong here: anything loaded from elsewhere; fonts are the reader's own.
"""

# ruff: noqa: E501  (a style sheet in lines)
STYLE = """
:root{--ink:#1d2733;--soft:#5b6775;--rule:#d9dfe6;--ground:#fff;--wash:#f5f7f9;--bad:#b3401f;--bad-wash:#fbeee9;
--good:#1f6f6b;--link:#24598f;--grey:#9aa5b1}
*{box-sizing:border-box}
body{margin:0 auto;max-width:980px;padding:28px 24px 60px;background:var(--ground);color:var(--ink);
font:15px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif}
h1{font-size:25px;line-height:1.25;margin:0 0 4px}h2{font-size:18px;margin:34px 0 8px;padding-top:14px;border-top:1px solid var(--rule)}
h3{font-size:15px;margin:20px 0 6px}p{margin:6px 0}ul{margin:6px 0;padding-left:20px}
.soft,.missing{color:var(--soft)}.missing{font-style:italic}.small{font-size:13px}.mono{font-family:ui-monospace,Menlo,Consolas,monospace;
font-size:12px;overflow-wrap:anywhere}
.verdict{display:inline-block;padding:2px 12px;border-radius:14px;font-weight:600;border:1.5px solid currentColor;white-space:nowrap}
.verdict.gap{color:var(--bad);background:var(--bad-wash)}.verdict.no_gap_found{color:var(--good)}
.verdict.insufficient_evidence,.verdict.undefined{color:var(--soft);border-style:dashed}
.first{border:1px solid var(--rule);border-radius:8px;padding:18px 22px;background:var(--wash)}
.first ol{margin:0;padding-left:22px}.first li{margin:12px 0}.first li>strong{display:block;font-size:13px;color:var(--soft);font-weight:600}
.headline{font-size:21px;line-height:1.35}.headline b{color:var(--bad)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;margin:8px 0;font-size:13.5px;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);font-size:13px;padding:4px 0}
th,td{padding:4px 10px 4px 0;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
thead th{font-size:12px;color:var(--soft);font-weight:600;vertical-align:bottom;border-bottom-color:var(--grey)}tbody th{font-weight:500}
td.number{text-align:right;white-space:nowrap}tr.named th,tr.named td{background:var(--bad-wash)}tr.named th{color:var(--bad);font-weight:600}
.groups th,.groups td{padding-right:8px;font-size:12.5px}.groups tbody th{white-space:nowrap}tr.better th,tr.better td{background:#edf5f4}tr.better th{color:var(--good);font-weight:600}
tr.unjudged th,tr.unjudged td{color:var(--soft)}
.chart{width:100%;height:auto;display:block;margin:8px 0}.chart text{font-size:12px;fill:var(--ink)}.chart .tick{fill:var(--soft);font-size:11px}
.chart .name{paint-order:stroke;stroke:var(--ground);stroke-width:3px}.nowrap{white-space:nowrap}.chart .name.named{fill:var(--bad);font-weight:600}.chart .name.better{fill:var(--good);font-weight:600}.grid{stroke:var(--rule);stroke-width:1}.axis{stroke:var(--ink);stroke-width:1}
.reference{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:4 3}.whisker{stroke-width:2.5;stroke:var(--link)}.whisker.named{stroke:var(--bad)}.whisker.better{stroke:var(--good)}
.dot{fill:var(--link);stroke:#fff;stroke-width:1}.dot.named{fill:var(--bad)}.dot.better{fill:var(--good)}.shrunken{fill:none;stroke:var(--soft);stroke-width:1.4}
.absent{stroke:var(--grey);stroke-width:1;stroke-dasharray:1 5}.band{fill:#24598f22;stroke:none}.curve{fill:none;stroke:var(--link);stroke-width:2}
.mark{stroke:var(--bad);stroke-width:1.2;stroke-dasharray:2 3}.chart .marked{fill:var(--bad)}
rect.tile{stroke:none}rect.outlined{stroke:var(--ink);stroke-width:2.5}.chart .tile-name{font-size:12px;font-weight:600}
.chart .tile-value{font-size:11px}rect.unjudged{fill:#eef1f4;stroke:var(--grey);stroke-dasharray:3 3}.chart text.unjudged{fill:var(--soft)}
rect.even{fill:#eceff2}rect.worse1{fill:#f6d5c8}rect.worse2{fill:#e79b80}rect.worse3{fill:#b3401f}
rect.better1{fill:#cfe4e2}rect.better2{fill:#86bab6}rect.better3{fill:#1f6f6b}.chart text.worse3,.chart text.better3{fill:#fff}
rect.part-measurement{fill:#8d99ae}rect.part-policy{fill:#e0a63c}rect.part-explained{fill:#86bab6}rect.part-unexplained{fill:#b3401f}
.sign td{height:34px}.columns{display:flex;gap:24px;flex-wrap:wrap;align-items:flex-start}.columns>*{flex:1 1 280px;min-width:0}
@media print{body{max-width:none;padding:0;font-size:10.5pt}h2,h3,h4,caption{break-after:avoid}.first{break-after:page}tr,.chart{break-inside:avoid}
@page{size:A4;margin:16mm 14mm}.scroll{overflow:visible}table{font-size:9pt}
.groups th,.groups td,.groups thead th{font-size:7.4pt;padding-right:4px}.groups tbody th{white-space:normal}}
"""
