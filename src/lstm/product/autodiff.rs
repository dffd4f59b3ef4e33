//! A product as one node of Burn's autodiff graph.

use super::Products;
use super::ops::ProductBackend;
use burn::backend::tensor::FloatTensor;
use burn::backend::{AutodiffBackend, Backend};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

#[derive(Debug)]
struct ProductBackward;

/// The operands, and the largest magnitude of each.
#[derive(Debug, Clone)]
struct State<B: Backend> {
    a: FloatTensor<B>,
    b: FloatTensor<B>,
    a_largest: FloatTensor<B>,
    b_largest: FloatTensor<B>,
    products: Products,
}

impl<B: ProductBackend> Backward<B, 2> for ProductBackward {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [a_node, b_node] = ops.parents;
        let d = grads.consume::<B>(&ops.node);
        let s = ops.state;
        let largest = B::largest(d.clone());
        let turned = |x| B::float_swap_dims(x, 1, 2);
        if let Some(node) = a_node {
            let (d, largest) = (d.clone(), largest.clone());
            let d_a = B::scaled_product(d, turned(s.b), largest, s.b_largest, s.products);
            grads.register::<B>(node.id, d_a);
        }
        if let Some(node) = b_node {
            let d_b = B::scaled_product(turned(s.a), d, s.a_largest, largest, s.products);
            grads.register::<B>(node.id, d_b);
        }
    }
}

impl<B: ProductBackend, C: CheckpointStrategy> ProductBackend for Autodiff<B, C> {
    fn product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        products: Products,
    ) -> FloatTensor<Self> {
        let nodes = [a.node(), b.node()];
        let prepared = ProductBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful();
        let [a, b] = [a, b].map(|x| x.into_primitive());
        let [a_largest, b_largest] = [a.clone(), b.clone()].map(B::largest);
        let out = B::scaled_product(
            a.clone(),
            b.clone(),
            a_largest.clone(),
            b_largest.clone(),
            products,
        );
        match prepared {
            OpsKind::Tracked(node) => {
                let state = State {
                    a,
                    b,
                    a_largest,
                    b_largest,
                    products,
                };
                node.finish(state, out)
            }
            OpsKind::UnTracked(node) => node.finish(out),
        }
    }

    fn largest(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::from_inner(B::largest(x.into_primitive()))
    }

    fn scaled_product(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        a_largest: FloatTensor<Self>,
        b_largest: FloatTensor<Self>,
        products: Products,
    ) -> FloatTensor<Self> {
        let [a, b, a_largest, b_largest] = [a, b, a_largest, b_largest].map(|x| x.into_primitive());
        Self::from_inner(B::scaled_product(a, b, a_largest, b_largest, products))
    }
}
