"""The documents say what the results say."""

import json
import unittest
from pathlib import Path

import page

ROOT = Path(__file__).resolve().parent.parent


class Documents(unittest.TestCase):
    def test_every_generated_part_is_what_the_results_make_it(self) -> None:
        for name, text in page.made(ROOT).items():
            self.assertEqual((ROOT / name).read_text(), text, f"{name} is not of these results: python3 benches --page")

    def test_every_table_that_can_be_made_is_on_the_page(self) -> None:
        documents = "".join((ROOT / name).read_text() for name in page.DOCUMENTS)
        for name in page.BLOCKS:
            self.assertEqual(documents.count(f"<!-- benches: {name} -->"), 1, name)
            self.assertEqual(documents.count(f"<!-- end of {name} -->"), 1, name)

    def test_rounds_are_kept_with_every_summary(self) -> None:
        from parts import adoption, cluster, core, cpu, memory, tables, upstream

        results = page.Results(ROOT / "benches/results")
        for part in (adoption, cluster, core, cpu, memory, tables, upstream):
            whole = results.parts[part.NAME]
            # As JSON has it: no tuples, keys of text.
            again = json.loads(json.dumps(part.summary(whole["rounds"])))
            self.assertEqual(again, whole["summary"], part.NAME)


if __name__ == "__main__":
    unittest.main()
