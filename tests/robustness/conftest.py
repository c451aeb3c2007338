"""How many cases each property is tried with: few by default, as many as TWINCELL_EXAMPLES says."""

import os

from hypothesis import HealthCheck, settings

MANY = os.environ.get("TWINCELL_EXAMPLES")
settings.register_profile(
    "twincell",
    max_examples=int(MANY or 40),
    deadline=None,  # a busy machine is no hang: `helpers.hostile.refused` looks at the time worked
    derandomize=MANY is None,  # the fast tests are the same every time; the many look elsewhere every time
    database=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
settings.load_profile("twincell")
