"""Call every address of the web that a document or notebook links to: `python tools/web_links.py`

Links within the repository are tested with everything else; this one needs a network, and standard
library only. An address that answers "gone" or not at all makes the run red; one that refuses
programs (401, 403, 429) is only named.
"""

import json
import re
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = re.compile(r"https://[^\s<>\"'`\\)\]]+[^\s<>\"'`\\)\].,;:]")
NOT_MEANT_TO_BE_CALLED = re.compile(r"OWNER|HUB/|example\.|127\.0\.0\.1|localhost")
REFUSES_PROGRAMS = (401, 403, 405, 429)


def addresses(root):
    """{address: the first file that has it}, from the documents and the notebooks' own words."""
    found = {}
    for path in sorted(
        [
            *root.glob("*.md"),
            *root.glob("docs/**/*.md"),
            *root.glob("*.cff"),
            *root.glob("notebooks/*.ipynb"),
        ]
    ):
        for address in ADDRESS.findall(words(path)):
            if not NOT_MEANT_TO_BE_CALLED.search(address):
                found.setdefault(address.split("#")[0], path.relative_to(root))
    return found


def words(path):
    """The text of a document; of a notebook, its Markdown cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join(
        "".join(cell["source"])
        for cell in json.loads(text)["cells"]
        if cell["cell_type"] == "markdown"
    )


def answer(address):
    """What a host says: a status, or a word why there is none."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return str(getattr(error, "reason", error))


def check(found):
    """Print what does not answer as it should; the number of addresses that are gone."""
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(found, pool.map(answer, found), strict=True))
    odd = {address: said for address, said in answers.items() if said != 200}
    for address, said in odd.items():
        print(f"{said}: {address} ({found[address]})")
    print(f"{len(found)} addresses, {len(found) - len(odd)} answer")
    return sum(said not in REFUSES_PROGRAMS for said in odd.values())


if __name__ == "__main__":
    sys.exit(1 if check(addresses(ROOT)) else 0)
