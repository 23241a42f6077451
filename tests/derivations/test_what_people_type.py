"""What people type, as a table: the verdict, or the one sentence that says what to write."""

import pytest
import sympy as sp
from drawn import first_of_each, one_in
from readable import unreadable

from derivations.claim import bring_your_own
from derivations.definitions import Entries
from derivations.mistakes import Kind
from derivations.printing import plain
from derivations.reading import LONG_NAMES, read
from derivations.symbols import indexed

RIGHT = [
    ('(w*x-y)**2/2', '(w*x-y)*x', 'w'),
    ('\\frac{1}{2}(wx-y)^2', '(wx-y)x', 'w'),
    ('½(w·x − y)²', '(w·x − y)·x', 'w'),
    ('0.5*(w*x-y)^2', 'x*(w*x-y)', 'w'),
    ('1/(1+e^(-z))', 'e^(-z)/(1+e^(-z))^2', 'z'),
    ('σ(z)', 'σ(z)(1-σ(z))', 'z'),
    ('sigma(z)', 'sigma(z)*(1-sigma(z))', 'z'),
    ('\\sigma(z)', '\\sigma(z)(1-\\sigma(z))', 'z'),
    ('\\frac{1}{n}\\sum_{i=1}^{n} (w x_i - y_i)^2', '\\frac{2}{n}\\sum_{i=1}^n (w x_i - y_i) x_i',
     'w'),
    ('\\frac{1}{n}\\sum_i (w x_i - y_i)^2', '\\frac{2}{n}\\sum_i (w x_i - y_i) x_i', 'w'),
    ('1/n sum_i (w x_i - y_i)^2', '2/n sum_i (w x_i - y_i) x_i', 'w'),
    ('Sum((w*x[i]-y[i])**2,(i,1,n))/n', '2*Sum((w*x[i]-y[i])*x[i],(i,1,n))/n', 'w'),
    ('log(sum(exp(z[k]),(k,1,m)))', 'exp(z[j])/sum(exp(z[k]),(k,1,m))', 'z[j]'),
    ('-y*log(p)-(1-y)*log(1-p)', '(p-y)/(p*(1-p))', 'p'),
    ('-y ln(a) - (1-y) ln(1-a)', '-y/a + (1-y)/(1-a)', 'a'),
    ('tanh(w*x+b)', 'x*(1-tanh(w*x+b)**2)', 'w'),
    ('\\tanh(wx+b)', 'x(1-\\tanh^2(wx+b))', 'w'),
    ('max(0,w*x)', 'x*(w*x>0)', 'w'),
    ('relu(w*x)', 'x*heaviside(w*x)', 'w'),
    ('||w||^2', '2 w_k', 'w_k'),
    ('x^T A x', '(A + A^T) x', 'x'),
    ('\\|Xw - y\\|^2', '2 X^T (X w - y)', 'w'),
    ('abs(w)', 'sign(w)', 'w'),
    ('|w|', 'sign(w)', 'w'),
    ('λ/2 * w^2', 'λ w', 'w'),
    ('sqrt(w^2+1)', 'w/sqrt(w^2+1)', 'w'),
    ('log(1+exp(z))-y*z', '1/2+tanh(z/2)/2-y', 'z'),
    ('softplus(z)', 'sigmoid(z)', 'z'),
    ('C = (a-y)^2', '2(a-y)', 'a'),
    ('f(g(x))', "f'(g(x)) g'(x)", 'x'),
    ('g(w*x)', "g'(w*x)*x", 'w'),
    ('sin(w)cos(w)', 'cos(2w)', 'w'),
    ('e^{-w^2/2}', '-w e^{-w^2/2}', 'w'),
    ('w**x', 'x*w**(x-1)', 'w'),
    ('\\hat{y}-y', '1', '\\hat{y}'),
    ('y_hat-y', '1', 'y_hat'),
    ('ŷ*log(ŷ)', 'log(ŷ)+1', 'ŷ'),
    ('3x', '3', 'x'),
    ('2(x+1)', '2', 'x'),
    ('x(x+1)', '2x+1', 'x'),
    ('1e-3*w', '0.001', 'w'),
    ('\\sum_{k=1}^{K} y_k \\log p_k', 'y_j/p_j', 'p_j'),
    ('-\\sum_k y_k \\log \\hat{y}_k', '-y_k/\\hat{y}_k', '\\hat{y}_k'),
    ('exp(w x)/ (1+exp(w x))', 'x exp(w x)/(1+exp(w x))^2', 'w'),
    ('log1p(exp(z)) - y*z', '1/(1+exp(-z)) - y', 'z'), ('expm1(w*x)', 'x*exp(w*x)', 'w'),
    ('log2(z)', '1/(z*log(2))', 'z'), (r'\log_{10} z', r'\frac{1}{z \ln(10)}', 'z'),
    ('np.exp2(z)', '2^z ln(2)', 'z'), ('w_1(x+1)', 'x+1', 'w_1'), ('np.maximum(0, z)', 'H(z)', 'z'),
    (r'\sigma(z)', r"\sigma'(z)", 'z'), ('tanh(w x)', "tanh'(w x) x", 'w'),
    ('H(z)*z', 'H(z)', 'z'), ('sign(w x) w', 'sign(w x)', 'w'),
    ('(z > w) z^2', '2 z H(z - w)', 'z'),
    ('np.where(z > 0, z, 0.1*z)', 'where(z > 0, 1, 0.1)', 'z'),
    (r'\sqrt[3]{w}', r'\frac{1}{3} w^{-2/3}', 'w'),
    (r'\sqrt[n]{w}', r'\frac{1}{n} w^{1/n - 1}', 'w'),
    ('sin 2w', '2 cos 2w', 'w'),
    (r'\sin \pi w', r'\pi \cos \pi w', 'w'),
    (r'\sin w \cos w', r'\cos 2 w', 'w'),
    ('√2 w', '√2', 'w'),
    ('||x|-1|', 'sign(|x|-1) sign(x)', 'x'),
    ('||a|-|b||', 'sign(|a|-|b|) sign(a)', 'a'),
    ('\\sum_{j=1}^d w_j^2', '2 w_1', 'w_1'),
    ('sum_j w_j^2', '2 w_2', 'w_2'),
    ('\\sum_{j=1}^d w_j x_j + w_0', '1', 'w_0'),
    ('\\sum_{j=1}^d w_j x_j + w_0', 'x_1', 'w_1'),
    ('\\sum_{j=1}^3 w_j x_j', 'x_2', 'w_2'),
    ('w_0 + Sum(w[j]*x[j], (j, 1, d))', '1', 'w_0'),
    ('\\sum_{i=1}^n\\sum_{j=1}^n A_{ij} x_i x_j', 'x_1 x_2', 'A_{12}'),
    ('\\frac{1}{2}(w_1 x_1 - y)^2', '(w_1 x_1 - y) x_1', 'w_1'),
    ('\\frac{1}{2}(\\hat{y}_1 - y_1)^2', '\\hat{y}_1 - y_1', '\\hat{y}_1'),
    ('||w||^2', '2 w_1', 'w_1'),
]
OF_MATRICES = [
    ('||X w - y||^2', '2 X^T (X w - y)', 'w'),
    ('||X w - y||_2^2', '2 X^T (X w - y)', 'w'),
    ('1/n ||X w - y||^2 + λ ||w||^2', '2/n X^T (X w - y) + 2 λ w', 'w'),
    ('(X w - y)^T (X w - y)', '2 X.T @ (X @ w - y)', 'w'),
    ('1/2 (X w - y)^T (X w - y)', 'X^T X w - X^T y', 'w'),
    ('\\frac{1}{2}\\lVert \\mathbf{X}\\mathbf{w} - \\mathbf{y}\\rVert^2',
     '\\mathbf{X}^\\top(\\mathbf{X}\\mathbf{w} - \\mathbf{y})', '\\mathbf{w}'),
    ('tr(W^T W)', '2 W', 'W'),
    ('tr(A B)', 'B^T', 'A'),
    ('x^T y', 'y', 'x'),
    ('a^T X b', 'a b^T', 'X'),
    ('||w||', 'w/||w||', 'w'),
    ('log(1+exp(-y w^T x))', '-y x sigmoid(-y w^T x)', 'w'),
    ('||Y - X W||^2', '-2 X^T (Y - X W)', 'W'),
    ('(w^T x - y)^2', '2 (w^T x - y) x', 'w'),
    ('c x^T A x', 'c (A + A^T) x', 'x'),
    ("x' A x", "A x + A' x", 'x'),
    ('||A x||^2/2', 'A^T A x', 'x'),
    ('x^T A y', 'A y', 'x'),
    ('||w - v||^2', '2(w - v)', 'w'),
    ('||X w + b||^2', '2 X^T (X w + b)', 'w'),
    ('λ ||w||^2', '||w||^2', 'λ'),
    ('||X w - y||^2 + b^T w', '2 X^T (X w - y) + b', 'w'),
    ('||X W - Y||_F^2', '2 X^T (X W - Y)', 'W'),
    (r'\|X W - Y\|_F^2', r'2 X^\top (X W - Y)', 'W'),
    ('w^Tx + b', 'x', 'w'),
    ('(w^Tx - y)^2', '2 (w^Tx - y) x', 'w'),
    ('x^Ty', 'y', 'x'),
    ('||Xw-y||^2', '2 X^T(Xw-y)', 'w'),
    ("x'Ax", "(A + A')x", 'x'),
    ('w^TXw', '(X + X^T)w', 'w'),
    ('tr(AB)', 'B^T', 'A'),
    ('||X w - y||^2', "2 X' (X w - y)", 'w'),
    ('(x^T x)^2', '4 x^T x x', 'x'),
    ('1/||w||^2', '-2 w/||w||^4', 'w'),
    ('log(||w||^2)', '2 w/||w||^2', 'w'),
    ('log(w^T w)', '2 w/(w^T w)', 'w'),
    ('sqrt(w^T w)', 'w/sqrt(w^T w)', 'w'),
    ('log(w^T x)', 'x/(w^T x)', 'w'),
    ('(x^T A x)/(x^T x)', '(A + A^T) x/(x^T x) - 2 x^T A x x/(x^T x)^2', 'x'),
    ('1/(1+e^{-w^T x})', 'x e^{-w^T x}/(1+e^{-w^T x})^2', 'w'),
    ('pi w^T w + e^{w^T x}', '2 pi w + x e^{w^T x}', 'w'),
    ('1/N ||X w - y||^2', '2/N X^T(X w - y)', 'w'),
    ('tr(X)', 'I', 'X'),
    ('tr((A + I) B)', 'A^T + I', 'B'),
    ('x^T I x', '2 x', 'x'),
    ('x^T (A + lambda I) x', '(A + A^T + 2 lambda I) x', 'x'),
    ('||(I - A) x||^2', '2 (I - A)^T (I - A) x', 'x'),
    ('||w - w_1||^2', '2 (w_1 - w)', 'w_1'),
]
WITHOUT_A_NAME = [  # of three times the claim no usual mistake is found
    ('x^T y/||x||', 'y/||x|| - x^T y x/||x||^3', 'x'),
    ('tr(2 X)', '2 I', 'X'),
    ('\\sum_{j=0}^d w_j x_j', 'x_0', 'w_0'),
]
WRONG = [  # the mistake
    ('(w*x - y)**2/2', '(w*x - t)*x', 'w', 't stands where y is meant, and nothing says what t is'),
    ('(w*x - y)**2/2', '(w*x - Y)*x', 'w', 'Y stands where y is meant, and nothing says what Y is'),
    ('(w*x - y)**2/2', '(w*x - y_hat)*x', 'w',
     'ŷ stands where y is meant, and nothing says what ŷ is'),
    ('(w*x+b - y)**2', '2*(w*x+b-y)*X', 'w',
     'X stands where x is meant, and nothing says what X is'),
    ('sigmoid(w*x)', 's*(1-s)*x', 'w',
     's stands for σ(w x), but nothing says so: give Definition(s, ...), or write σ(w x)'),
    ('(w*x - y)^2', '2*(w*x - y)*w', 'w', 'w stands where x is meant'),
    ('max(0, z)', '1', 'z', 'the slope H(z) is left out'),
    ('sigmoid(z)', 'z*(1-z)', 'z',
     'z stands where σ(z) is meant: the slope is written in terms of the '
     'value, not of its argument'),
    ('tanh(z)', '1 - z^2', 'z',
     'z stands where tanh(z) is meant: the slope is written in terms of the value, not of its '
     'argument'),
    ('tanh(z)', '1 - tanh(z)', 'z', 'the exponent 2 became 1'),
    ('tanh(z)', 'tanh(z)*(1-tanh(z))', 'z', 'the slope of tanh(z) is written as that of σ'),
    ('sigmoid(z)', '1-sigmoid(z)^2', 'z', 'the slope of σ(z) is written as that of tanh'),
    ('sigmoid(z)', 'sigmoid(z)*(1+sigmoid(z))', 'z', 'the sign of the term -σ(z) is wrong'),
    ('x^3', 'x^2', 'x', 'the factor 3 is missing'),
    ('x^3', '3 x^3', 'x', 'the exponent of x³ is not lowered'),
    ('x^3', '2 x^2', 'x', 'it is 2/3 times the right one, everywhere'),
    ('x^3', 'x^4/4', 'x', 'x³ is integrated instead of differentiated'),
    ('1/x', '1/x^2', 'x', 'the sign is wrong'),
    ('1/x', 'log(x)', 'x', '1/x is integrated instead of differentiated'),
    ('exp(2x)', 'exp(2x)', 'x', 'a factor 2 is missing, or a ½ too many'),
    ('exp(2x)', '2x exp(2x)', 'x', '2 x stands where its derivative ∂/∂x (2 x) is meant'),
    ('exp(x^2)', '2 exp(x^2)', 'x', 'the factor x is missing'),
    ('sqrt(x)', '1/sqrt(x)', 'x', 'a factor 2 is too many'),
    ('sin(x)', '-cos(x)', 'x', 'the sign is wrong'),
    ('cos(x)', 'sin(x)', 'x', 'the sign is wrong'),
    ('x sin(x)', 'cos(x)', 'x', 'all factors of x sin(x) are differentiated at once'),
    ('x sin(x)', 'sin(x)', 'x', 'the term x cos(x) is missing'),
    ('f(x) g(x)', "f'(x) g'(x)", 'x', 'all factors of f(x) g(x) are differentiated at once'),
    ('f(x)/g(x)', "f'(x)/g'(x)", 'x', 'all factors of f(x)/g(x) are differentiated at once'),
    ('f(g(x))', "f'(x) g'(x)", 'x', "f'(g(x)) is taken at x instead of g(x)"),
    ('f(g(x))', "f'(g(x))", 'x',
     "the inner derivative ∂/∂x (g(x)) is left out: the factor g'(x) is missing"),
    ('f(g(x))', "f'(g'(x))", 'x',
     "f'(g(x)) is taken at ∂/∂x (g(x)) instead of g(x), and that is no factor"),
    ('x^n', 'n x^n', 'x', 'the exponent of x^n is not lowered'),
    ('a^x', 'x a^(x-1)', 'x',
     'the exponent of a^x is brought down, but there the variable is in the exponent: a^u has the '
     'slope a^u log(a)'),
    ('a^x', 'a^x', 'x', 'the factor log(a) is missing'),
    ('-y*log(p)-(1-y)*log(1-p)', '(y-p)/(p*(1-p))', 'p', 'the sign is wrong'),
    ('-y*log(p)-(1-y)*log(1-p)', '-y/p - (1-y)/(1-p)', 'p',
     'the sign of the term -(1 - y)/(1 - p) is wrong'),
    ('-y*log(sigmoid(z))-(1-y)*log(1-sigmoid(z))', 'y - sigmoid(z)', 'z', 'the sign is wrong'),
    ('-y*log(sigmoid(z))-(1-y)*log(1-sigmoid(z))', '(sigmoid(z)-y)*sigmoid(z)*(1-sigmoid(z))', 'z',
     'the slope (1 - σ(z)) σ(z) is one factor too many'),
    ('1/n sum_i (w x_i - y_i)^2', '2 sum_i (w x_i - y_i) x_i', 'w',
     'a factor n is too many: a sum stands where a mean is meant'),
    ('1/n sum_i (w x_i - y_i)^2', '1/n sum_i (w x_i - y_i) x_i', 'w',
     'a factor 2 is missing, or a ½ too many'),
    ('1/n sum_i (w x_i - y_i)^2', '2/n sum_i (w x_i - y_i)', 'w',
     'the inner derivative ∂/∂w (w x_i - y_i) is left out: the factor x_i is missing'),
    ('1/n sum_i (w x_i - y_i)^2', '2/n (w x_i - y_i) x_i', 'w', 'the sum is lost'),
    ('1/n sum_i (w x_i - y_i)^2', '2/n sum_i (w - y_i) x_i', 'w', 'the factor x_i is missing'),
    ('1/n sum_i (w x_i - y_i)^2', '2/n sum_i (w x_i - y_i) y_i', 'w',
     'y_i stands where x_i is meant'),
    ('1/n sum_i (w x_i - y_i)^2', '2/n sum_i w x_i^2 - y_i', 'w',
     'the index i is left over, no sum runs over it'),
    ('1/n sum_i (w x_i - y_i)^2', '2/n^2 sum_i (w x_i - y_i) x_i', 'w', 'a factor 1/n is too many'),
    ('1/(2n) sum_i (w x_i - y_i)^2', '2/n sum_i (w x_i - y_i) x_i', 'w', 'a factor 2 is too many'),
    ('1/n sum_i (w x_i - y_i)^2 + λ w^2', '2/n sum_i (w x_i - y_i) x_i', 'w',
     'the term 2 λ w is missing'),
    ('1/n sum_i (w x_i - y_i)^2 + λ w^2', '2/n sum_i (w x_i - y_i) x_i + λ w', 'w',
     'the factor 2 is missing'),
    ('1/n sum_i (w x_i - y_i)^2 + λ w^2', '2/n sum_i (w x_i - y_i) x_i + 2 λ', 'w',
     'the factor w is missing'),
    ('1/n sum_i (w x_i + b - y_i)^2', '2/n sum_i (w x_i - y_i) x_i', 'w', 'the term b is missing'),
    ('1/n sum_i (w x_i + b - y_i)^2', '2/n sum_i (w x_i + b - y_i) x_i', 'b',
     'this is the derivative by w instead of b'),
    ('1/n sum_i (w x_i + b - y_i)^2', '0', 'b', 'the claim is zero, the line before is not'),
    ('\\log\\sum_{k=1}^m e^{z_k}', '1/\\sum_{k=1}^m e^{z_k}', 'z_j',
     'the slope of e^z_k is left out'),
    ('\\log\\sum_{k=1}^m e^{z_k}', 'e^{z_j}/(1+e^{z_j})', 'z_j',
     'separate sigmoids stand where softmax is meant: they do not share a denominator'),
    ('e^{z_j}/\\sum_{k=1}^m e^{z_k}', 'e^{z_j}/\\sum_{k=1}^m e^{z_k}', 'z_j',
     'the term -(e^(2 z_j))/((Σ_{k=1..m} e^z_k)²) is missing'),
    ('||X w - y||^2', '2 (X w - y)', 'w', 'its shape is not that of the variable'),
    ('||X w - y||^2', '2 X^T X w', 'w', 'the term -y_m is missing'),
    ('||X w - y||^2', '2 X^T (X w + y)', 'w', 'the sign of the term -y_m is wrong'),
    ('x^T A x', 'A x', 'x', 'the term Σ_{m=1..n} x_m A_mr is missing'),
    ('x^T A x', '2 A^T x', 'x', 'the indices of A_rm are swapped: a transpose'),
    ('||A x||^2', '2 A x', 'x', 'its shape is not that of the variable'),
    ('||w||^2', 'w', 'w', 'a factor 2 is missing, or a ½ too many'),
    ('||w||', 'w', 'w', 'the factor 1/(√(Σ_{m=1..n} w_m²)) is missing'),
    ('tr(A^T B)', 'A^T', 'B', 'it is transposed'),
    ('|w|', '1', 'w', 'the slope of |w| is left out'),
    ('abs(w*x)', 'sign(w)*x', 'w', 'the factor x is missing'),
    ('relu(w*x+b)', 'x', 'w', 'the factor H(b + w x) is missing'),
    ('2^x', 'x 2^(x-1)', 'x',
     'the exponent of 2^x is brought down, but there the variable is in the exponent: a^u has the '
     'slope a^u log(a)'),
    ('log(w*x)', '1/(w*x)', 'w',
     'the inner derivative ∂/∂w (w x) is left out: the factor x is missing'),
    ('log(w*x)', '1/x', 'w', 'this is the derivative by x instead of w'),
    ('exp(-x^2/2)', 'x exp(-x^2/2)', 'x', 'the sign is wrong'),
    ('exp(-x^2/2)', '-x^2/2 exp(-x^2/2)', 'x',
     '-x²/2 stands where its derivative ∂/∂x (-x²/2) is meant'),
    ('w1*x1+w2*x2', 'w1', 'x2', 'this is the derivative by x1 instead of x2'),
    ('w1*x1+w2*x2', 'x1', 'w2', 'this is the derivative by w1 instead of w2'),
    ('(a-y)^2', '2(a-y)', 'y', 'the sign is wrong'),
    ('sigmoid(w*x+b)', 'sigmoid(w*x+b)*(1-sigmoid(w*x+b))', 'w',
     'the inner derivative ∂/∂w (w x + b) is left out: the factor x is missing'),
    ('sigmoid(w*x+b)', 'sigmoid(w*x+b)*(1-sigmoid(w*x+b))*w', 'w', 'w stands where x is meant'),
    ('||X w - y||^2', 'X^T (X w - y)', 'w', 'a factor 2 is missing, or a ½ too many'),
    ('||X w - y||^2', '2 X^T (y - X w)', 'w', 'the sign is wrong'),
    ('x^T A x', '2 A x', 'x', 'the indices of A_mr are swapped: a transpose'),
    ('tr(A B)', 'B', 'A', 'it is transposed'),
    ('a^T X b', 'b a^T', 'X', 'it is transposed'),
    ('||X w - y||^2', '2 (X w - y)^T X', 'w', 'it is transposed'),
    ('w^T w', '2 w^T', 'w', 'it is transposed'),
    ('||x||^2', '2*||x||', 'x', 'its shape is not that of the variable'),
    ('||w||^2', '1', 'w', 'its shape is not that of the variable'),
]
UNREADABLE = [  # what is said
    ('dC/da', '1', 'a', 'would be a derivative that is to be taken'),
    ('w*', 'w', 'w', 'expected a number, a name or a bracket at the end'),
    ("__import__('os')", '1', 'w', 'cannot read'),
    ('w^2 x', '2wx', 'w', 'wx would be one name: write w'),
    ('\\mathrm{softmax}(z)_k', '1', 'z_k', 'softmax is no function that is known here'),
    ('X w', 'X^T', 'w', 'which must be one number'),
    ('||X w - y||^2', '2 X (X w - y)', 'w', 'd and n would be one size, where X is n × d'),
    ('||w||_1', '1', 'w', 'the norm with squares, as in \\|\\|w\\|\\|\\^2'),
    ('det(A)', '1', 'A', 'det is no function that is known here'),
    (r'\sum_i (w^\top x_i - y_i)^2', '1', 'w', 'all with matrices, as in ..X w - y'),
    ('X^T + y', '1', 'y', 'which must be one number'),
    *[(text, '1', 'w', r'in brackets, \w+\(…\)') for text in (
        'exp -w', 'sqrt -w', 'sin -w', r'\sin -w', 'sigmoid -w x', 'tr + w', 'max * w')],
    *[(text, '1', 'w', r'write brackets, \w+\(…\)') for text in (
        r'\log w x', 'log 2 w', 'sqrt 2 w', 'sin w/2', 'sin 2*w', 'exp w @ x', r'\log_2 w x',
        'log2 w x', 'tanh^2 w x')],
    *[(text, '1', 'w', 'would be a derivative that is to be taken') for text in (
        r'\frac{d}{dw} w^3', r'\frac{d w^3}{dw}', r'\frac{\mathrm{d}}{\mathrm{d}w} w^3',
        r'\frac{d^2}{dw^2} w^3', 'd/dw w^3', 'd/dw (w^3)', '2 dC/dw', 'w dw_1/dw_2')],
    *[(text, '1', 'w', 'two numbers stand side by side') for text in (
        '1 000 w', '1.5.2 w', '2 3 w', r'1\,000 w', 'w 2 3')],
    *[(text, '1', 'w', 'no quantity') for text in (
        'oo w', 'inf*w', 'nan*w', 'True*w', 'None w', 'w + infinity')],
    *[(text, '1', 'w', 'no function that is known here') for text in (
        'cosec w', 'tan w', 'arcsin w', 'softmax w', 'cosec(w)')],
    *[(text, '1', 'w', 'would be one name: write') for text in ('sin2w + w', 'expw + w')],
    *[(text, '1', 'w', 'may be a function or a product') for text in (
        'beta(w)', 'L(w)', r'\beta(w)', 'w + c(w)', 'L(x_i) + w')],
    ('x^T A x / x^T x', '1', 'x', 'write brackets round the product that stands below'),
    ('||X||_2', '1', 'X', 'of a matrix is its largest singular value'),
    ('w^T w', '2 w_1', 'w_1', 'write all with matrices'),
    *[(text, '1', 'w', 'where the exponent of e ends') for text in ('e^2w', 'e^-2 w', 'x + e^2 w')],
    ('we^{-w}', '1', 'w', 'we would be one name: write w'),
]


@pytest.mark.every(3)
@pytest.mark.parametrize("function, claimed, variable",
                         one_in(3, [*RIGHT, *OF_MATRICES, *WITHOUT_A_NAME]))
def test_what_is_right_is_proved_and_seen_in_numbers(function, claimed, variable):
    said = bring_your_own(function, claimed, variable)
    assert [witness.verdict for witness in said.witnesses] == ["agrees", "agrees"], said


@pytest.mark.parametrize("function, claimed, variable",
                         one_in(30, [*RIGHT, *OF_MATRICES], again=10))
def test_twice_what_is_right_is_wrong_and_named(function, claimed, variable):
    said = bring_your_own(function, f"3 ({claimed})", variable)
    assert said.verdict == "wrong" and "3" in said.hint
    shown = repr(said) + said._repr_markdown_().replace("**wrong**", "")
    assert not [fault for line in shown.splitlines() for fault in unreadable(line)]


@pytest.mark.parametrize("function, claimed, variable, mistake", first_of_each(
    lambda case: tuple(case[3].split()[:2]), WRONG))
def test_what_is_wrong_is_named(function, claimed, variable, mistake):
    said = bring_your_own(function, claimed, variable)
    assert (said.verdict, said.hint) == ("wrong", mistake)


@pytest.mark.parametrize("function, claimed, variable, sentence", UNREADABLE)
def test_what_cannot_be_read_is_answered_by_one_sentence(function, claimed, variable, sentence):
    with pytest.raises(ValueError, match=sentence) as refusal:
        bring_your_own(function, claimed, variable)
    assert "\n" not in str(refusal.value)


def test_shapes_that_products_do_not_tell_are_said():
    texts = "y X w", "X^T y", "w"
    with pytest.raises(ValueError, match="shapes"):
        bring_your_own(*texts, shapes={"X": ("n", "d"), "y": ("n",)})
    assert bring_your_own("y X w", "y X^T", "w", shapes={"X": (1, "d"), "y": ()})
    assert bring_your_own("v^T M", "M", "v", shapes={"M": ("m",)})


@pytest.mark.parametrize("shapes", [{"X": "nd"}, {"X": ("n", "d", "m")}, {"X": (0,)}, ["X"]])
def test_shapes_that_are_none_are_refused(shapes):
    with pytest.raises((TypeError, ValueError), match="shapes"):
        bring_your_own("x^T X y", "X y", "x", shapes=shapes)


def test_matrices_of_sympy_need_no_entries():
    n, d = sp.symbols("n d", integer=True, positive=True)
    X, w, y = (sp.MatrixSymbol(*of) for of in (("X", n, d), ("w", d, 1), ("y", n, 1)))
    rest = X*w - y
    assert bring_your_own(rest.T*rest, 2*X.T*rest, w)
    assert bring_your_own(rest.T*rest, 2*X.T*rest, w, given=[Entries(X, indexed("x", n, d))])
    said = bring_your_own(sp.Trace(rest.T*rest), X.T*rest, w)
    assert said.mistake.kind is Kind.FACTOR
    assert dict(said.rows(plain))["right would be"].startswith("in entry r: 2 Σ")


@pytest.mark.parametrize("name", one_in(4, sorted(LONG_NAMES)))
@pytest.mark.parametrize("inner", ["w", "2w", "2 w", "-w", "+w", "w x", "w*x", "w/2", "w^2", "pi w",
                                   "2 pi w", "2(w+1)", "w_i", "w log x", "2 w log x", "|w|"])
def test_a_function_without_brackets_is_taken_of_all_that_follows_or_refused(name, inner):
    """Where the next thing is a function, it ends before that."""
    first, *last = inner.partition(" log")
    try:
        found = read(f"{name} {inner}", "w", "x")[0]
    except ValueError:
        return
    assert plain(found) == plain(read(f"{name}({first}){''.join(last)}", "w", "x")[0])


@pytest.mark.parametrize("text", ["w x", "w_1 (x + 1)", "w (x)", "x(w)", "eta (w - x)"])
def test_a_product_beside_its_factors_stays_a_product(text):
    assert read(text, "w", "x", "w_1")[0].is_Mul


def test_what_an_inverse_is_claimed_to_do_is_seen_in_numbers_alone():
    said = bring_your_own("x^T A^{-1} x", "(A^{-1} + A^{-T}) x", "x")
    assert [witness.verdict for witness in said.witnesses] == ["cannot say", "agrees"]
    said = bring_your_own("x^T A^{-1} x", "2 A^{-1} x", "x")
    assert [witness.verdict for witness in said.witnesses] == ["cannot say", "differs"]
    assert said.verdict == "wrong" and "is claimed" in said.example


def test_what_is_said_to_be_right_of_an_index_that_begins_at_nought_is_right():
    said = bring_your_own("\\sum_{j=0}^d w_j x_j", "2 x_0", "w_0")
    assert dict(said.rows(plain))["right would be"] == "x_0"
