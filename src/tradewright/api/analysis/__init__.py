"""The long part of a result: costs by origin, stress, attribution, luck, guards, assumptions."""
