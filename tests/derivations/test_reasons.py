"""A reason with mathematics in it reads as text in a terminal, and means the same there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derivations.reasons import reason_plain


@pytest.mark.parametrize("latex, text", [
    (r"the 2 meets the $\frac12$", "the 2 meets the 1/2"),
    (r"$\tfrac{1}{2n}\sum_{i=1}^{n}(\hat y_i-y_i)^2$", "1/(2n) Σ_{i=1..n} (ŷ_i-y_i)²"),
    (r"$\frac{a+b}{c+d}$, $\dfrac{\partial L}{\partial z_{j}}$", "(a+b)/(c+d), ∂L/∂z_j"),
    (r"$\frac{\partial^2 L}{\partial w^2}$", "∂²L/∂w²"),
    (r"$e^{u+s} = e^s\,e^u$ and $x^{-1}$, $x^{2n}$", "e^(u+s) = e^s e^u and x⁻¹, x^(2n)"),
    (r"with $\delta^{(2)}_1$, $w_\text{old}$, $\bar x_{ik}$", "with δ^(2)_1, w_old, x̄_ik"),
    (r"$\log u^t = t\log u$, $\max(0, z)$, $\log{u}$", "log u^t = t log u, max(0, z), log(u)"),
    (r"$X^\top(Xw-y)$, $a\odot b \leq 3\cdot c$", "Xᵀ (Xw-y), a ⊙ b ≤ 3 · c"),
    (r"$1-a = e^{-z}a$, $w_kx_i^2$", "1-a = e^-z a, w_k x_i²"),
    (r"$\left(\frac{a}{b}\right)^2$, $\sqrt{x+1}$", "(a/b)², √(x+1)"),
    (r"$\eta\,p_k$ for $5", "η p_k for $5"), (r"costs \$5, \eta and \hat y", "costs $5, η and ŷ"),
    ("Σ_{i=1..n} x_i is {small}, a_b", "Σ_{i=1..n} x_i is {small}, a_b"),
])  # fmt: skip
def test_a_reason_is_read_as_it_is_typeset(latex, text):
    assert reason_plain(latex) == text


PIECES = st.sampled_from(
    [r"\frac", r"\hat", r"\sum", r"\eta", r"\unknown", r"\,", r"\text", r"\left(", r"\right)",
     r"\%", "{", "}", "^", "_", "a", "2", " ", "+", "(", ")", "=", "\\", "$", "Σ"])  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_reason_shows_a_command_as_text(latex):
    assert "\\" not in reason_plain(latex) and "\\" not in reason_plain(f"${latex}$")
