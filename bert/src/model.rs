//! The forward pass.

use crate::kernels::{Bias, BiasGelu, BiasGeluTanh, BiasRelu, BiasResidualLayerNorm, LayerNorm, ScaledSoftmax};
use candle_core::{DType, Device, Result, Tensor};
use serde::Deserialize;
use std::{collections::HashMap, ops::Range};

/// The part of a model's `config.json` that the forward pass needs.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    pub model_type: String,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub max_position_embeddings: usize,
    pub layer_norm_eps: f64,
    pub hidden_act: Activation,
}

/// Between the two multiplications of the feed-forward part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    Gelu,
    #[serde(alias = "gelu_pytorch_tanh")]
    GeluNew,
    Relu,
}

pub(crate) struct Model {
    config: Config,
    words: Vec<f32>,
    /// Position and token type 0 together.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

struct Layer {
    /// Query, key and value behind each other.
    attention: Linear,
    attention_output: Linear,
    attention_norm: Norm,
    intermediate: Linear,
    output: Linear,
    output_norm: Norm,
}

struct Linear {
    /// Inputs × outputs.
    weight: Tensor,
    bias: Vec<f32>,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl Norm {
    fn op(&self) -> LayerNorm<'_> {
        LayerNorm { weight: &self.weight, bias: &self.bias, epsilon: self.epsilon }
    }
}

impl Model {
    pub(crate) fn load(config: Config, weights: &Weights) -> Result<Self> {
        let hidden = config.hidden_size;
        let mut positions = weights.vector("embeddings.position_embeddings.weight")?;
        let types = weights.vector("embeddings.token_type_embeddings.weight")?;
        for row in positions.chunks_exact_mut(hidden) {
            row.iter_mut().zip(&types).for_each(|(x, t)| *x += t);
        }
        let norm = |name: &str| -> Result<Norm> {
            Ok(Norm {
                weight: weights.vector(&format!("{name}.weight"))?,
                bias: weights.vector(&format!("{name}.bias"))?,
                epsilon: config.layer_norm_eps as f32,
            })
        };
        let layers = (0..config.num_hidden_layers).map(|number| {
            let name = |part: &str| format!("encoder.layer.{number}.{part}");
            Ok(Layer {
                attention: weights
                    .linear(&["query", "key", "value"].map(|part| name(&format!("attention.self.{part}"))))?,
                attention_output: weights.linear(&[name("attention.output.dense")])?,
                attention_norm: norm(&name("attention.output.LayerNorm"))?,
                intermediate: weights.linear(&[name("intermediate.dense")])?,
                output: weights.linear(&[name("output.dense")])?,
                output_norm: norm(&name("output.LayerNorm"))?,
            })
        });
        let layers = layers.collect::<Result<_>>()?;
        Ok(Self {
            words: weights.vector("embeddings.word_embeddings.weight")?,
            positions,
            norm: norm("embeddings.LayerNorm")?,
            layers,
            config,
        })
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Token ids of several sequences to the mean of each one's last hidden states.
    pub(crate) fn forward(&self, sequences: &[&[u32]]) -> Result<Vec<Vec<f32>>> {
        let mut spans = Vec::with_capacity(sequences.len());
        let mut tokens = 0;
        for sequence in sequences {
            spans.push(tokens..tokens + sequence.len());
            tokens += sequence.len();
        }
        let mut states = self.embed(sequences, tokens)?;
        for layer in &self.layers {
            states = self.layer(layer, &states, &spans)?;
        }
        let states = states.flatten_all()?.to_vec1::<f32>()?;
        let hidden = self.config.hidden_size;
        Ok(spans.iter().map(|span| mean(&states[span.start * hidden..span.end * hidden], hidden)).collect())
    }

    /// Tokens × hidden.
    fn embed(&self, sequences: &[&[u32]], tokens: usize) -> Result<Tensor> {
        let hidden = self.config.hidden_size;
        let mut states = Vec::with_capacity(tokens * hidden);
        for sequence in sequences {
            for (&id, position) in sequence.iter().zip(self.positions.chunks_exact(hidden)) {
                let start = id as usize * hidden;
                let Some(word) = self.words.get(start..start + hidden) else {
                    candle_core::bail!("token {id} is not in the vocabulary");
                };
                states.extend(word.iter().zip(position).map(|(w, p)| w + p));
            }
        }
        let states = Tensor::from_vec(states, (tokens, hidden), &Device::Cpu)?;
        states.inplace_op1(&self.norm.op())?;
        Ok(states)
    }

    fn layer(&self, layer: &Layer, states: &Tensor, spans: &[Range<usize>]) -> Result<Tensor> {
        let attended = self.attend(&layer.attention, states, spans)?.matmul(&layer.attention_output.weight)?;
        let op =
            BiasResidualLayerNorm { projection_bias: &layer.attention_output.bias, norm: layer.attention_norm.op() };
        attended.inplace_op2(states, &op)?;

        let wide = attended.matmul(&layer.intermediate.weight)?;
        let bias = &layer.intermediate.bias;
        match self.config.hidden_act {
            Activation::Gelu => wide.inplace_op1(&BiasGelu(bias))?,
            Activation::GeluNew => wide.inplace_op1(&BiasGeluTanh(bias))?,
            Activation::Relu => wide.inplace_op1(&BiasRelu(bias))?,
        }
        let output = wide.matmul(&layer.output.weight)?;
        let op = BiasResidualLayerNorm { projection_bias: &layer.output.bias, norm: layer.output_norm.op() };
        output.inplace_op2(&attended, &op)?;
        Ok(output)
    }

    /// Each sequence attends to itself only.
    fn attend(&self, projection: &Linear, states: &Tensor, spans: &[Range<usize>]) -> Result<Tensor> {
        let heads = self.config.num_attention_heads;
        let width = self.config.hidden_size / heads;
        let projected = states.matmul(&projection.weight)?;
        projected.inplace_op1(&Bias(&projection.bias))?;
        let attended = spans.iter().map(|span| {
            let length = span.len();
            // Heads × tokens × width, as views: the multiplication reads any strides.
            let of_heads = projected.narrow(0, span.start, length)?.reshape((length, 3, heads, width))?;
            let part = |number: usize| of_heads.narrow(1, number, 1)?.squeeze(1)?.transpose(0, 1);
            let scores = part(0)?.matmul(&part(1)?.transpose(1, 2)?)?;
            scores.inplace_op1(&ScaledSoftmax { width: length, scale: 1.0 / (width as f32).sqrt() })?;
            scores.matmul(&part(2)?)?.transpose(0, 1)?.reshape((length, heads * width))
        });
        Tensor::cat(&attended.collect::<Result<Vec<_>>>()?, 0)
    }
}

fn mean(rows: &[f32], width: usize) -> Vec<f32> {
    let mut mean = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(m, x)| *m += x);
    }
    let count = (rows.len() / width).max(1) as f32;
    mean.iter_mut().for_each(|m| *m /= count);
    mean
}

/// The tensors of a `model.safetensors`.
pub(crate) struct Weights(pub(crate) HashMap<String, Tensor>);

impl Weights {
    /// Some files have all names under `bert.`.
    fn tensor(&self, name: &str) -> Result<Tensor> {
        match self.0.get(name).or_else(|| self.0.get(&format!("bert.{name}"))) {
            Some(tensor) => tensor.to_dtype(DType::F32),
            None => candle_core::bail!("model.safetensors has no tensor {name}"),
        }
    }

    fn vector(&self, name: &str) -> Result<Vec<f32>> {
        self.tensor(name)?.flatten_all()?.to_vec1()
    }

    fn linear(&self, names: &[String]) -> Result<Linear> {
        let weights = names.iter().map(|name| self.tensor(&format!("{name}.weight"))).collect::<Result<Vec<_>>>()?;
        let biases = names.iter().map(|name| self.vector(&format!("{name}.bias"))).collect::<Result<Vec<_>>>()?;
        Ok(Linear { weight: Tensor::cat(&weights, 0)?.t()?.contiguous()?, bias: biases.concat() })
    }
}
