//! The products behind Burn's Flex backend: plain f32 products, of operands rounded to f16. A
//! processor gains nothing by it; it shows what a GPU in mixed precision would learn.

use super::ops::ProductBackend;
use super::scale::{largest_of, rounded};
use super::{Products, Units};
use crate::lstm::flex::Numbers;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorData, TensorMetadata};

fn round(x: FloatTensor<Flex>, largest: FloatTensor<Flex>) -> FloatTensor<Flex> {
    let shape = x.shape();
    let largest = largest_of(Numbers::of(largest).slice());
    let x = Numbers::of(x);
    let values: Vec<f32> = x.slice().iter().map(|x| rounded(*x, largest)).collect();
    FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
}

impl ProductBackend for Flex {
    fn largest(x: FloatTensor<Self>) -> FloatTensor<Self> {
        FloatTensor::<Flex>::from_data(TensorData::new(
            vec![largest_of(Numbers::of(x).slice())],
            [1],
        ))
    }

    fn scaled_product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        a_largest: FloatTensor<Self>,
        b_largest: FloatTensor<Self>,
        products: Products,
    ) -> FloatTensor<Self> {
        match products.units {
            Units::Burn => Flex::float_matmul(a, b),
            _ => Flex::float_matmul(round(a, a_largest), round(b, b_largest)),
        }
    }
}
