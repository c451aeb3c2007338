"""From counts over time to growth rates, doubling times, survival and conditions compared."""
