"""What a reader must know besides the numbers: flags, what was skipped and why."""

from collections.abc import Sequence

import pandas as pd

from twincell.report.markup import fold, listing, table
from twincell.report.page import Section
from twincell.words import number as number_of

LISTED = 200


def caution(counts: pd.DataFrame, notes: Sequence[str] = (), skipped: Sequence[str] = ()) -> Section:
    """Flagged frames by reason, chamber by chamber, and what was noted on the way.

    Args:
        counts: the table of counts.csv.
        notes: what was decided, skipped and found while counting.
        skipped: frames that an import left out, and why.
    """
    flagged = counts[counts["flag"] != ""]
    body = ""
    if len(flagged):
        reasons = flagged.assign(reason=flagged["flag"].str.split("; ")).explode("reason")
        reasons["reason"] = reasons["reason"].str.split(":").str[0]
        rows = [
            [str(reason), str(len(part)), ", ".join(_short(part["chamber"].astype(str).unique().tolist()))]
            for reason, part in reasons.groupby("reason", sort=False)
        ]
        body += table(["reason", "frames", "chambers"], rows, text=[2])
        columns = ["chamber", "image", "frame", "flag"]
        lines = [
            f"{chamber or image} frame {frame}: {flag}"
            for chamber, image, frame, flag in flagged[columns][:LISTED].to_numpy().tolist()
        ]
        more = f" (the first {LISTED}; all are in counts.csv)" if len(flagged) > LISTED else ""
        body += fold(f"The {len(flagged)} flagged frames{more}", listing(lines))
    left_out = [*_unread(counts), *skipped]
    if left_out:
        body += fold(f"{number_of(len(left_out), 'frame')} skipped, and why", listing(left_out[:LISTED]))
    if notes:
        body += "<h3>Noted on the way</h3>" + listing(notes)
    share = f"{len(flagged)} of {len(counts)} frames are flagged" if len(flagged) else "No frame is flagged"
    lead = f"{share}. A flag says why a frame should be looked at before its count is believed."
    return Section("What to look at twice", lead, body)


def _unread(counts: pd.DataFrame) -> list[str]:
    """Frames without a count of their own."""
    lost = counts[counts["count_frame"].isna()] if "count_frame" in counts else counts[:0]
    return [
        f"{chamber or image} frame {frame}: {flag or 'not counted'}"
        for chamber, image, frame, flag in lost[["chamber", "image", "frame", "flag"]].to_numpy().tolist()
    ]


def _short(names: Sequence[str]) -> list[str]:
    named = [name or "single pictures" for name in names]
    return [*named[:6], f"{len(named) - 6} more"] if len(named) > 7 else named


def setting(title: str, lead: str, rows: Sequence[tuple[str, str]]) -> Section:
    """Plain pairs of name and value."""
    return Section(title, lead, table(["", ""], [list(row) for row in rows], text=[1]))
