#include "engine/audio/fourier.h"

#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

namespace meeting::audio {
namespace {

// std::complex multiplies with checks for infinities, which costs more than the transform.
struct Complex {
    double re = 0;
    double im = 0;

    friend Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
    friend Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
    friend Complex operator*(Complex a, Complex b) {
        return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
    }
    friend Complex operator*(double s, Complex a) { return {s * a.re, s * a.im}; }
};

Complex unit(double turns) {
    const double angle = -2.0 * std::numbers::pi * turns;
    return {std::cos(angle), std::sin(angle)};
}

Complex times_minus_i(Complex a) { return {a.im, -a.re}; }

constexpr std::size_t kHalf = kWindow / 2;
// 400 real samples are 200 complex ones, and 200 = 4 · 2 · 5 · 5.
using Signal = std::array<Complex, kHalf>;

struct Roots {
    std::array<Complex, kWindow> root;  // e^(-2πi·k/400)
    Roots() {
        for (std::size_t k = 0; k < kWindow; ++k) {
            root[k] = unit(static_cast<double>(k) / static_cast<double>(kWindow));
        }
    }
};

const Roots& roots() {
    static const Roots made;
    return made;
}

void butterfly(std::array<Complex, 2>& x) { x = {x[0] + x[1], x[0] - x[1]}; }

void butterfly(std::array<Complex, 4>& x) {
    const Complex a = x[0] + x[2];
    const Complex b = x[0] - x[2];
    const Complex c = x[1] + x[3];
    const Complex d = times_minus_i(x[1] - x[3]);
    x = {a + c, b + d, a - c, b - d};
}

void butterfly(std::array<Complex, 5>& x) {
    static const Complex one = unit(0.2);
    static const Complex two = unit(0.4);
    const Complex a = x[1] + x[4];
    const Complex b = times_minus_i(x[1] - x[4]);
    const Complex c = x[2] + x[3];
    const Complex d = times_minus_i(x[2] - x[3]);
    const Complex p = x[0] + one.re * a + two.re * c;
    const Complex q = x[0] + two.re * a + one.re * c;
    const Complex r = -one.im * b - two.im * d;
    const Complex s = -two.im * b + one.im * d;
    x = {x[0] + a + c, p + r, q + s, q - s, p - r};
}

// One pass of Stockham's transform: `length` is what is left to transform, `stride` what is done.
template <std::size_t R>
void pass(const Signal& in, Signal& out, std::size_t length, std::size_t stride) {
    const std::size_t part = length / R;
    for (std::size_t p = 0; p < part; ++p) {
        std::array<Complex, R> twiddles;
        for (std::size_t j = 0; j < R; ++j) twiddles[j] = roots().root[p * j * (kWindow / length)];
        for (std::size_t q = 0; q < stride; ++q) {
            std::array<Complex, R> x;
            for (std::size_t k = 0; k < R; ++k) x[k] = in[q + stride * (p + part * k)];
            butterfly(x);
            for (std::size_t j = 0; j < R; ++j) {
                out[q + stride * (R * p + j)] = twiddles[j] * x[j];
            }
        }
    }
}

}  // namespace

void power(std::span<const double, kWindow> samples, std::span<double, kBins> out) {
    Signal a;
    Signal b;
    for (std::size_t i = 0; i < kHalf; ++i) a[i] = {samples[2 * i], samples[2 * i + 1]};
    pass<4>(a, b, 200, 1);
    pass<2>(b, a, 50, 4);
    pass<5>(a, b, 25, 8);
    pass<5>(b, a, 5, 40);

    // The even and the odd samples' transforms are taken apart and put together again.
    for (std::size_t k = 0; k < kBins; ++k) {
        const Complex x = a[k % kHalf];
        const Complex y = a[(kHalf - k) % kHalf];
        const Complex even{0.5 * (x.re + y.re), 0.5 * (x.im - y.im)};
        const Complex odd = 0.5 * times_minus_i({x.re - y.re, x.im + y.im});
        const Complex bin = even + roots().root[k] * odd;
        out[k] = bin.re * bin.re + bin.im * bin.im;
    }
}

}  // namespace meeting::audio
