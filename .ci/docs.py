"""Prepare the site as Quarto will read it, check it, and write README.md from `nbs/index.ipynb`.

Quarto itself runs in the site job only; what it would trip over shows here already: broken links, missing pictures,
unknown keys, pages that are not in the sidebar. A public name without documentation is a fault as well, and so are figures
of a benchmark that are of other weights than those that ship, and of the model card that are not those of its training.
"""
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbdev.doclinks
import nbformat
import yaml
from nbconvert import MarkdownExporter
from nbdev.config import get_config
from nbdev.quarto import refresh_quarto_yml
from nbdev.serve import proc_nbs
from smalldocs import api

from microvae.model import VAERegression

refresh_quarto_yml()
nbdev.doclinks._build_modidx()
proc_nbs(n_workers=0)

check = subprocess.run(["smalldocs", "check", "_proc"], capture_output=True, text=True)
faults = [line for line in check.stdout.splitlines() if re.search(r"\b(broken|unknown)\b", line)]
if check.returncode not in (0, 1): sys.exit(f"the docs check did not run:\n{check.stdout}{check.stderr}")
pages, listed = sorted(Path("nbs").rglob("*.ipynb")), Path("nbs/sidebar.yml").read_text()
faults += [f"{page}: not in nbs/sidebar.yml" for page in pages if str(page.relative_to("nbs")) not in listed]
faults += [f"{page}: keeps the state of widgets, which no page shows: delete metadata.widgets" for page in pages
           if "widgets" in json.loads(page.read_text())["metadata"]]
gaps = (gap for module in api.package_modules("microvae") for found in api.gaps(module).values() for gap in found)
faults += [gap for gap in gaps if gap.endswith("no docstring") and not re.search(r"[:.]_", gap)]
weights = VAERegression.from_pretrained("gaussian51").fingerprint
for page in Path("nbs/benchmarks").glob("*.ipynb"):
    printed = re.findall(r"weights ([0-9a-f]{16})\b", text := page.read_text())
    if set(printed) - {weights}: faults.append(f"{page}: its figures are of other weights than those that ship: run it again")
    if ".fingerprint" in text and not printed: faults.append(f"{page}: prints no fingerprint of weights")
shipped = Path("microvae/pretrained/gaussian51")
card, metrics = (shipped / "README.md").read_text(), json.loads((shipped / "metrics.json").read_text())
if metrics["weights"] != weights: faults.append(f"{shipped}/metrics.json: its figures are of other weights")
rows = {name: f"| {name} | {of['MAPE %']:.2f} | {of['RMSE']:.3f} | {of['R2']:.5f} | {of['coverage %']:.1f} |"
        for name, of in metrics["scores"].items() if name != "volume_fraction"}
faults += [f"{shipped}/README.md: {name} is not as in metrics.json" for name, row in rows.items() if row not in card]
if faults: sys.exit("the docs check found:\n" + "\n".join(faults))

# what Quarto would make of index.ipynb, but with links relative to the top of the repository
index = nbformat.read("_proc/index.ipynb", as_version=4)
index.metadata.language_info = {"name": "python"}
for cell in index.cells:
    if "#| echo: false" in cell.source: cell.metadata.transient = {"remove_source": True}
text, resources = MarkdownExporter().from_notebook_node(index)
header, text = re.match(r"\s*---\n(.*?)\n---\n(.*)", text, flags=re.S).groups()
header = yaml.safe_load(header)
text = re.sub(r"<!-- WARNING.*?-->", "", text)
text = re.sub(rf"\[(`[^`]+`)\]\({get_config().doc_host}[^)]*\)", r"\1", text)  # the README stands without the site
text = re.sub(r"\]\((?!https?:)([^)]+\.ipynb)", r"](nbs/\1", text)
text = re.sub(r"^#\| .*\n", "", text, flags=re.M)
for alt in (m[1] for cell in index.cells for m in re.finditer(r'#\| fig-alt: "(.*)"', cell.source)):
    text = text.replace("![png]", f"![{alt}]", 1)
files = Path("README_files")
shutil.rmtree(files, ignore_errors=True)
for name, picture in resources["outputs"].items():
    files.mkdir(exist_ok=True)
    (files / name).write_bytes(picture)
    text = text.replace(f"]({name})", f"]({files}/{name})")
origin = "<!-- written from nbs/index.ipynb by .ci/docs.py: edit that -->"
text = f"{origin}\n\n# {header['title']}\n\n> {header['description']}\n\n{text}"
Path("README.md").write_text(re.sub(r"\n\s*\n(?=\s*\n)|(?<=\n) +\n", "\n", text).strip() + "\n")
