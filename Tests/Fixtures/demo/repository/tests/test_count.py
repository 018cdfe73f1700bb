import unittest

from wordstat.count import most_common, words


class Words(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(words("One two, two."), ["one", "two", "two"])

    def test_any_white_space(self):
        self.assertEqual(words("one\ntwo  three"), ["one", "two", "three"])


class MostCommon(unittest.TestCase):
    def test_two(self):
        self.assertEqual(most_common("one two, two."), "two")


if __name__ == "__main__":
    unittest.main()
