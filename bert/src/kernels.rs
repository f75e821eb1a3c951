//! What stands between the matrix multiplications, in place on candle's tensors. Each loop is written so that the
//! compiler vectorises it, and compiled for several instruction sets, of which the best is chosen at run time.

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, bail};
use pulp::Arch;

/// Adds a bias to each row.
pub struct Bias<'a>(pub &'a [f32]);

/// Adds a bias to each row, then the exact GELU, `x Φ(x)`.
pub struct BiasGelu<'a>(pub &'a [f32]);

/// Adds a bias to each row, then the approximation of GELU by tanh.
pub struct BiasGeluTanh<'a>(pub &'a [f32]);

/// Adds a bias to each row, then ReLU.
pub struct BiasRelu<'a>(pub &'a [f32]);

/// Softmax of each row of `width`, after scaling.
pub struct ScaledSoftmax {
    pub width: usize,
    pub scale: f32,
}

/// Layer normalisation of each row.
pub struct LayerNorm<'a> {
    pub weight: &'a [f32],
    pub bias: &'a [f32],
    pub epsilon: f32,
}

/// Layer normalisation of each row plus a bias plus the residual's row.
pub struct BiasResidualLayerNorm<'a> {
    pub projection_bias: &'a [f32],
    pub norm: LayerNorm<'a>,
}

macro_rules! row_op {
    ($op:ident, $name:literal, $width:expr, $row:expr) => {
        impl InplaceOp1 for $op<'_> {
            fn name(&self) -> &'static str {
                $name
            }

            fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
                let values = values_mut(storage, layout)?;
                let width: usize = $width(self);
                Arch::new().dispatch(
                    #[inline(always)]
                    || values.chunks_exact_mut(width).for_each(|row| $row(self, row)),
                );
                Ok(())
            }
        }
    };
}

row_op!(Bias, "bias", |op: &Bias<'_>| op.0.len(), |op: &Bias<'_>, row: &mut [f32]| for_each_with(row, op.0, |x, b| x
    + b));
row_op!(BiasGelu, "bias-gelu", |op: &BiasGelu<'_>| op.0.len(), |op: &BiasGelu<'_>, row: &mut [f32]| {
    for_each_with(row, op.0, |x, b| gelu(x + b));
});
row_op!(
    BiasGeluTanh,
    "bias-gelu-tanh",
    |op: &BiasGeluTanh<'_>| op.0.len(),
    |op: &BiasGeluTanh<'_>, row: &mut [f32]| {
        for_each_with(row, op.0, |x, b| gelu_tanh(x + b));
    }
);
row_op!(BiasRelu, "bias-relu", |op: &BiasRelu<'_>| op.0.len(), |op: &BiasRelu<'_>, row: &mut [f32]| {
    for_each_with(row, op.0, |x, b| (x + b).max(0.0));
});
row_op!(
    LayerNorm,
    "layer-norm",
    |op: &LayerNorm<'_>| op.weight.len(),
    |op: &LayerNorm<'_>, row: &mut [f32]| normalise(row, op)
);

impl InplaceOp1 for ScaledSoftmax {
    fn name(&self) -> &'static str {
        "scaled-softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let values = values_mut(storage, layout)?;
        let (width, scale) = (self.width, self.scale);
        Arch::new().dispatch(
            #[inline(always)]
            || values.chunks_exact_mut(width).for_each(|row| softmax(row, scale)),
        );
        Ok(())
    }
}

impl InplaceOp2 for BiasResidualLayerNorm<'_> {
    fn name(&self) -> &'static str {
        "bias-residual-layer-norm"
    }

    fn cpu_fwd(
        &self,
        storage: &mut CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<()> {
        let values = values_mut(storage, layout)?;
        let residual = values_of(residual, residual_layout)?;
        let width = self.projection_bias.len();
        Arch::new().dispatch(
            #[inline(always)]
            || {
                for (row, residual) in values.chunks_exact_mut(width).zip(residual.chunks_exact(width)) {
                    for ((x, b), r) in row.iter_mut().zip(self.projection_bias).zip(residual) {
                        *x += b + r;
                    }
                    normalise(row, &self.norm);
                }
            },
        );
        Ok(())
    }
}

fn values_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&mut values[start..end]),
        _ => bail!("only contiguous f32 tensors are worked on in place"),
    }
}

fn values_of<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("only contiguous f32 tensors are read"),
    }
}

#[inline(always)]
fn for_each_with(row: &mut [f32], bias: &[f32], f: impl Fn(f32, f32) -> f32) {
    for (x, &b) in row.iter_mut().zip(bias) {
        *x = f(*x, b);
    }
}

/// Sums in 16 lanes: a plain float sum may not be reordered and so is not vectorised.
#[inline(always)]
fn sum_of(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; 16];
    let mut chunks = row.chunks_exact(16);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x);
        }
    }
    lanes.iter().sum::<f32>() + chunks.remainder().iter().map(|&x| f(x)).sum::<f32>()
}

#[inline(always)]
fn max_of(row: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let mut chunks = row.chunks_exact(16);
    for chunk in &mut chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, x);
        }
    }
    chunks.remainder().iter().chain(&lanes).fold(f32::NEG_INFINITY, |max, &x| larger(max, x))
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn softmax(row: &mut [f32], scale: f32) {
    let max = max_of(row);
    for x in &mut *row {
        *x = exp((*x - max) * scale);
    }
    let inverse = 1.0 / sum_of(row, |x| x);
    for x in row {
        *x *= inverse;
    }
}

#[inline(always)]
fn normalise(row: &mut [f32], norm: &LayerNorm<'_>) {
    let count = row.len() as f32;
    let mean = sum_of(row, |x| x) / count;
    let variance = sum_of(row, |x| (x - mean) * (x - mean)) / count;
    let inverse = 1.0 / (variance + norm.epsilon).sqrt();
    for ((x, w), b) in row.iter_mut().zip(norm.weight).zip(norm.bias) {
        *x = (*x - mean) * inverse * w + b;
    }
}

/// e^x with a relative error below 2e-7 in -87..=88, clamped outside: 2^n by the exponent bits, the rest by a
/// polynomial (the coefficients of Cephes' `expf`).
#[inline(always)]
fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0; // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    let x = x.clamp(-87.0, 88.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    p * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

/// The error function with an absolute error below 5e-7 (Abramowitz and Stegun, 7.1.26).
#[inline(always)]
fn erf(x: f32) -> f32 {
    let z = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * z);
    let p = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6) * t;
    (1.0 - p * exp(-z * z)).copysign(x)
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`, where `0.5 (1 + tanh(y)) = 1 / (1 + e^(-2y))`.
#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    let y = 0.797_884_6 * (x + 0.044_715 * x * x * x);
    x / (1.0 + exp(-2.0 * y))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor};

    fn ramp() -> impl Iterator<Item = f32> {
        (-8000..=8000).map(|i| i as f32 / 1000.0)
    }

    #[test]
    fn exp_and_gelu_are_within_their_stated_error() {
        for x in ramp().map(|x| x * 10.0) {
            let exact = f64::from(x).exp();
            assert!((f64::from(exp(x)) / exact - 1.0).abs() < 3e-7, "exp({x})");
        }
        let values: Vec<f32> = ramp().collect();
        let exact = Tensor::new(&values[..], &Device::Cpu).unwrap().gelu_erf().unwrap().to_vec1::<f32>().unwrap();
        let tanh = Tensor::new(&values[..], &Device::Cpu).unwrap().gelu().unwrap().to_vec1::<f32>().unwrap();
        for ((&x, exact), tanh) in values.iter().zip(exact).zip(tanh) {
            assert!((gelu(x) - exact).abs() < 2e-6, "gelu({x}) = {} not {exact}", gelu(x));
            assert!((gelu_tanh(x) - tanh).abs() < 2e-6, "gelu_tanh({x}) = {} not {tanh}", gelu_tanh(x));
        }
    }

    #[test]
    fn softmax_and_layer_norm_work_on_rows_of_any_width() {
        for width in [1, 3, 16, 17, 50] {
            let values: Vec<f32> = (0..2 * width).map(|i| ((i * 37) % 11) as f32 - 5.0).collect();
            let tensor = Tensor::from_vec(values.clone(), (2, width), &Device::Cpu).unwrap();
            tensor.inplace_op1(&ScaledSoftmax { width, scale: 0.5 }).unwrap();
            let rows = tensor.to_vec2::<f32>().unwrap();
            for (row, before) in rows.iter().zip(values.chunks(width)) {
                let total: f64 = before.iter().map(|&x| (f64::from(x) * 0.5).exp()).sum();
                for (&x, &b) in row.iter().zip(before) {
                    assert!((f64::from(x) - (f64::from(b) * 0.5).exp() / total).abs() < 1e-6);
                }
            }

            let ones = vec![1.0; width];
            let zeros = vec![0.0; width];
            let tensor = Tensor::from_vec(values, (2, width), &Device::Cpu).unwrap();
            tensor.inplace_op1(&LayerNorm { weight: &ones, bias: &zeros, epsilon: 1e-12 }).unwrap();
            if width > 1 {
                for row in tensor.to_vec2::<f32>().unwrap() {
                    assert!(row.iter().sum::<f32>().abs() < 1e-4);
                    assert!((row.iter().map(|x| x * x).sum::<f32>() / width as f32 - 1.0).abs() < 1e-3);
                }
            }
        }
    }
}
