"""Apache Kafka as jars from a Maven repository: a pinned list, fetched once into the cache, checked by hash."""

from __future__ import annotations

import os
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pooch
from tqdm import tqdm

from . import cache

LIST = Path(__file__).with_name("jars.txt")  # "sha256  path in the repository", one jar a line
REPOSITORY_VARIABLE = "KAFKA_COURSE_MAVEN"
REPOSITORY = "https://repo1.maven.org/maven2"
THREADS = 8
TIMEOUT = 30  # seconds without a byte
JAR_TIME = 946_684_800  # 2000-01-01: Java uses its ahead-of-time cache only while the jars keep their times

pooch.get_logger().setLevel("WARNING")  # its line per file would tear the progress bar


class DownloadError(Exception):
    """A jar can't be had; the message says which, why, and what mends it."""


def pinned() -> dict[str, str]:
    """The pinned jars: path in a Maven repository -> sha256."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, path in (line.split() for line in lines if not line.startswith("#"))}


def fetch(progress: bool = True) -> list[Path]:
    """Paths of all pinned jars on this machine, in the list's order.

    A jar that is missing, damaged or half-downloaded is fetched again; the others are only checked (about 0.1 s).
    Downloads go to a temporary name first, so that a break leaves no half jar behind.

    Raises DownloadError where a jar can't be fetched, CacheError where the cache folder can't be written.
    """
    folder = cache.folder("jars")
    wanted = pinned()
    missing = [path for path, digest in wanted.items() if not _is_sound(folder / Path(path).name, digest)]
    if missing:
        with ThreadPoolExecutor(THREADS) as pool, tqdm(
            total=len(missing), desc="Fetching Apache Kafka", unit=" jars", disable=None if progress else True, leave=False
        ) as bar:
            for _ in pool.map(lambda path: _download(path, wanted[path], folder), missing):
                bar.update()
    return [folder / Path(path).name for path in wanted]


def _is_sound(file: Path, digest: str) -> bool:
    return file.is_file() and pooch.file_hash(str(file)) == digest


def _download(path: str, digest: str, folder: Path) -> None:
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
        raise DownloadError(
            f"{name} can't be fetched from {host} ({_cause(error)}).\n"
            f"Check the network and run the command again, or name a mirror: export {REPOSITORY_VARIABLE}=https://…/maven2"
        ) from error


def _cause(error: Exception) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    return str(error).strip() or type(error).__name__
