"""Apache Kafka as jars from a Maven repository.

A pinned list, fetched once into the cache, checked by hash.
"""

import hashlib
import os
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..base import places
from ..base.errors import DownloadError

LIST = Path(__file__).with_name("jars.txt")  # "sha256  path in the repository", one jar a line
REPOSITORY_VARIABLE = "KAFKA_COURSE_MAVEN"
REPOSITORY = "https://repo1.maven.org/maven2"
THREADS = 8
TIMEOUT = 30  # seconds without a byte
# 2000-01-01: Java uses its ahead-of-time cache only while the jars keep their times.
JAR_TIME = 946_684_800


def pinned() -> dict[str, str]:
    """The pinned jars: path in a Maven repository -> sha256."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return {
        path: digest
        for digest, path in (line.split() for line in lines if not line.startswith("#"))
    }


def fetch(progress: bool = True) -> list[Path]:
    """Paths of all pinned jars on this machine, in the list's order.

    A jar that is missing, damaged or half-downloaded is fetched again; the others are only checked
    (about 0.1 s). Downloads go to a temporary name first, so that a break leaves no half jar
    behind.

    Raises DownloadError where a jar can't be fetched, CacheError where the cache folder can't be
    written.
    """
    folder = places.cache("jars")
    wanted = pinned()
    with ThreadPoolExecutor(THREADS) as pool:
        sound = pool.map(
            lambda item: _is_sound(folder / Path(item[0]).name, item[1]), wanted.items()
        )
        missing = [path for path, is_sound in zip(wanted, sound, strict=True) if not is_sound]
        if missing:
            _download_all(missing, wanted, folder, pool, progress)
    return [folder / Path(path).name for path in wanted]


def _is_sound(file: Path, digest: str) -> bool:
    try:
        with open(file, "rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == digest
    except OSError:
        return False


def _download_all(
    paths: list[str],
    digests: dict[str, str],
    folder: Path,
    pool: ThreadPoolExecutor,
    progress: bool,
) -> None:
    from tqdm import tqdm

    label = {"desc": "Fetching Apache Kafka", "unit": " jars", "leave": False}
    with tqdm(total=len(paths), disable=None if progress else True, **label) as bar:
        for _ in pool.map(lambda path: _download(path, digests[path], folder), paths):
            bar.update()


def _download(path: str, digest: str, folder: Path) -> None:
    import pooch  # here, since it takes a tenth of a second that most starts do not need

    pooch.get_logger().setLevel("WARNING")  # its line per file would tear the progress bar
    repository = os.environ.get(REPOSITORY_VARIABLE) or REPOSITORY
    url = f"{repository.rstrip('/')}/{path}"
    name = Path(path).name
    try:
        pooch.retrieve(
            url,
            known_hash=f"sha256:{digest}",
            fname=name,
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=TIMEOUT) if url.startswith("http") else None,
        )
        os.utime(folder / name, (JAR_TIME, JAR_TIME))
    except Exception as error:  # requests, urllib3, pooch and the disk each have their own kinds
        host = urllib.parse.urlsplit(url).netloc or url
        cause = _cause(error)
        raise DownloadError(
            f"{name} can't be fetched from {host} ({cause}).\n{_advice(cause)}"
        ) from error


def _advice(cause: str) -> str:
    if "No space left" in cause:
        return "Make room on that disk, and run the command again"
    if "CERTIFICATE" in cause.upper():
        return (
            "A proxy inspects what is encrypted. Trust its certificates: "
            "export REQUESTS_CA_BUNDLE=/path/to/them.pem"
        )
    return (
        "Check the network and run the command again, "
        f"or name a mirror: export {REPOSITORY_VARIABLE}=https://…/maven2"
    )


def _cause(error: Exception) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return str(error).strip() or type(error).__name__
