"""Draw a collection as a map: one page of HTML with a point for each recording.

    mirzoo embed mel_cnn_tagger music/ -o music.parquet
    python map_of_music.py music.parquet map.html

Recordings that are alike lie near each other. The page needs no other file and no network: point
at a recording for its name, turn the wheel to come closer, drag to move. Colours are folders.
`--method umap` keeps neighbourhoods better than the two principal components do, and needs the
package umap-learn (pip install "mirzoo[map]").
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from mirzoo.engines.similar import Collection

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>A map of music</title>
<style>
body { margin: 0; font: 14px/1.4 system-ui, sans-serif; color: #1d2733; overflow: hidden; }
canvas { display: block; width: 100vw; height: 100vh; cursor: grab; }
#about, #name { position: fixed; left: 1rem; background: #ffffffdd; padding: .2rem .5rem; }
#about { top: 1rem; color: #5b6875; }
#name { bottom: 1rem; overflow-wrap: anywhere; }
</style>
</head>
<body>
<canvas></canvas><div id="about"></div><div id="name"></div>
<script>
const map = $DATA;
const canvas = document.querySelector("canvas"), pen = canvas.getContext("2d");
document.getElementById("about").textContent = map.about;
let zoom = 1, left = 0, top_ = 0, chosen = -1, held = null;
const colour = n => `hsl(${(n * 137.5) % 360} 65% 45%)`;
const side = () => 0.45 * Math.min(innerWidth, innerHeight) * zoom;
const place = ([x, y]) => [innerWidth / 2 + left + x * side(), innerHeight / 2 + top_ - y * side()];
function draw() {
  const dots = devicePixelRatio || 1;
  canvas.width = innerWidth * dots; canvas.height = innerHeight * dots;
  pen.scale(dots, dots);
  map.points.forEach((point, n) => {
    const [x, y] = place(point);
    pen.fillStyle = colour(map.folders[n]);
    pen.beginPath(); pen.arc(x, y, n === chosen ? 7 : 3.5, 0, 7); pen.fill();
  });
  document.getElementById("name").textContent = chosen < 0 ? "" : map.names[chosen];
}
canvas.onpointerdown = event => { held = [event.clientX - left, event.clientY - top_]; };
onpointerup = () => { held = null; };
canvas.onpointermove = event => {
  if (held) { left = event.clientX - held[0]; top_ = event.clientY - held[1]; }
  chosen = -1;
  let nearest = 15;
  map.points.forEach((point, n) => {
    const [x, y] = place(point), far = Math.hypot(x - event.clientX, y - event.clientY);
    if (far < nearest) { nearest = far; chosen = n; }
  });
  draw();
};
canvas.addEventListener("wheel", event => {
  event.preventDefault();
  const by = Math.exp(-event.deltaY / 500);
  left = event.clientX - innerWidth / 2 - (event.clientX - innerWidth / 2 - left) * by;
  top_ = event.clientY - innerHeight / 2 - (event.clientY - innerHeight / 2 - top_) * by;
  zoom *= by;
  draw();
}, {passive: false});
onresize = draw;
draw();
</script>
</body>
</html>
"""


def principal_components(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """The two directions in which vectors differ most, and their share of all that differs."""
    centred = vectors - vectors.mean(axis=0)
    strengths, directions = np.linalg.eigh(centred.T @ centred)  # the least first
    total = max(float(strengths.sum()), 1e-12)
    return centred @ directions[:, :-3:-1], float(strengths[:-3:-1].sum() / total)


def umap(vectors: np.ndarray) -> np.ndarray:
    """Two coordinates each, by uniform manifold approximation (McInnes et al. 2018)."""
    try:
        from umap import UMAP
    except ImportError:
        raise SystemExit(
            'the method umap needs the package umap-learn: pip install "mirzoo[map]"; '
            "--method pca needs none"
        ) from None

    return UMAP(n_neighbors=min(15, len(vectors) - 1), metric="cosine").fit_transform(vectors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vectors", help="what `mirzoo embed` wrote")
    parser.add_argument("page", type=Path)
    parser.add_argument("--method", choices=["pca", "umap"], default="pca")
    options = parser.parse_args()
    collection = Collection.read(options.vectors)
    about = f"{len(collection.entries):,} recordings, {collection.origin.model}"
    if options.method == "umap":
        points, about = umap(collection.vectors), f"{about}, UMAP"
    else:
        points, share = principal_components(collection.vectors)
        about = f"{about}, two principal components ({share:.0%} of the variance)"
    points = points - (points.max(axis=0) + points.min(axis=0)) / 2
    points = points / max(float(np.abs(points).max()), 1e-12)
    names = [entry.path for entry in collection.entries]
    folders = {folder: n for n, folder in enumerate(sorted({str(Path(p).parent) for p in names}))}
    data = {
        "about": about,
        "points": np.round(points, 4).tolist(),
        "names": names,
        "folders": [folders[str(Path(path).parent)] for path in names],
    }
    text = json.dumps(data).replace("<", "\\u003c")  # a name can close no script
    options.page.write_text(PAGE.replace("$DATA", text), encoding="utf-8")


if __name__ == "__main__":
    main()
