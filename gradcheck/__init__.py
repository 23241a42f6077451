"""Is this code the gradient? Is this the update? Which line is wrong? NumPy alone."""

from gradcheck.check import gradient_check
from gradcheck.differences import (
    Estimate,
    central_difference,
    complex_step,
    derivative,
    forward_difference,
    numerical_gradient,
)
from gradcheck.repair import Fault, FaultError, find_fault
from gradcheck.report import BlockReport, GradientError, GradientReport
from gradcheck.rewritings import MISTAKES
from gradcheck.stated import StatedReport, stated
from gradcheck.update import UpdateError, update_check

__all__ = [
    "MISTAKES",
    "BlockReport",
    "Estimate",
    "Fault",
    "FaultError",
    "GradientError",
    "GradientReport",
    "StatedReport",
    "UpdateError",
    "central_difference",
    "complex_step",
    "derivative",
    "find_fault",
    "forward_difference",
    "gradient_check",
    "numerical_gradient",
    "stated",
    "update_check",
]
