"""A draft for a table in blocks has no feature and no rule that is learned from all rows, and says so."""

from __future__ import annotations

from tabular_dl.drafting.column_defaults import Treatments
from tabular_dl.drafting.in_blocks import HASHED, REASON, rowwise


def test_learned_features_go_and_learned_encodings_become_hashes() -> None:
    kept = rowwise(
        Treatments(
            features={
                "often": {"from": "ticket", "count": True},
                "since": {"from": "day", "date": "elapsed"},
                "month": {"from": "day", "date": "month"},
            },
            feature_reasons={"often": "Counts.", "month": "Months."},
            rules=[
                {"columns": ["often", "since"], "scale": "standard"},
                {"columns": ["street"], "encode": "target", "scale": "standard"},
                {"columns": ["street"], "encode": "frequency", "scale": "standard"},
                {"columns": ["month"], "encode": "onehot", "rare": 10},
                {"columns": ["review"], "encode": "text", "components": 9},
            ],
            rule_reasons=["Numbers.", "By target.", "By frequency.", "Parts.", "Words."],
            dropped={"an id": ["id"]},
            used={"ticket": "counts", "day": "date: month, elapsed", "street": "by target"},
        )
    )
    assert kept.features == {"month": {"from": "day", "date": "month"}}
    assert kept.feature_reasons == {"month": "Months."}
    assert kept.rules == [
        {"columns": ["street"], "encode": "hash", "buckets": 64},
        {"columns": ["month"], "encode": "onehot", "rare": 10},
    ]
    assert kept.rule_reasons == [HASHED, "Parts."]
    assert kept.dropped == {"an id": ["id"], REASON: ["ticket"]}
    assert kept.used == {"day": "what each row has of it by itself", "street": "categories, hashed"}
