"""The Two-Stream RNN in PyTorch: reads the weights that `sinew export` writes.

    model = TwoStream.from_file("model.safetensors")
    fused, temporal, spatial = model(x)          # x: [batch, T, joints, channels]

The file alone is enough: its metadata holds the body layout, the class names and the recipe.
Model: Wang & Wang, "Modeling Temporal Dynamics and Spatial Configurations of Actions Using
Two-Stream Recurrent Neural Networks", CVPR 2017. Needs: torch; to read a file, safetensors.
"""

import json

import torch
from torch import nn


class PeepholeLstm(nn.Module):
    """torch.nn.LSTM (batch first, no dropout) whose gates also see the cell state.

    Parameters have torch's names and shapes, and three peephole vectors [hidden] a layer and
    direction: `weight_ci_l0`, `weight_cf_l0`, `weight_co_l0`, `weight_ci_l0_reverse`, … As in
    Graves 2013 ("Generating Sequences With Recurrent Neural Networks", equations 7 to 11),
    the input and forget gates see the previous cell, the output gate the new one.
    """

    def __init__(self, input_size, hidden_size, num_layers=1, bidirectional=False):
        super().__init__()
        self.hidden_size, self.num_layers = hidden_size, num_layers
        self.suffixes = ("", "_reverse") if bidirectional else ("",)
        for layer in range(num_layers):
            width = input_size if layer == 0 else hidden_size * len(self.suffixes)
            for suffix in self.suffixes:
                name = f"l{layer}{suffix}"
                self._add(f"weight_ih_{name}", 4 * hidden_size, width)
                self._add(f"weight_hh_{name}", 4 * hidden_size, hidden_size)
                self._add(f"bias_ih_{name}", 4 * hidden_size)
                self._add(f"bias_hh_{name}", 4 * hidden_size)
                for gate in "ifo":
                    self._add(f"weight_c{gate}_{name}", hidden_size)

    def _add(self, name, *shape):
        bound = self.hidden_size**-0.5  # torch.nn.LSTM starts from this range too
        self.register_parameter(name, nn.Parameter(torch.empty(*shape).uniform_(-bound, bound)))

    def forward(self, x, state=None, lengths=None):
        """x [batch, steps, input] → (output [batch, steps, directions * hidden], None).

        `state` is (h0, c0), each [layers * directions, batch, hidden], zeros where None.
        `lengths` [batch]: a row's steps from its length on are skipped and give zeros.
        """
        for layer in range(self.num_layers):
            outputs = []
            for direction, suffix in enumerate(self.suffixes):
                if state is None:
                    h = c = x.new_zeros(len(x), self.hidden_size)
                else:
                    h, c = (s[layer * len(self.suffixes) + direction] for s in state)
                outputs.append(self._walk(x, h, c, lengths, f"l{layer}{suffix}"))
            x = torch.cat(outputs, dim=-1)
        return x, None

    def _walk(self, x, h, c, lengths, name):
        """One layer in one direction; `name` is the end of its parameters' names."""
        own = {kind: getattr(self, f"{kind}_{name}") for kind in (
            "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_ci", "weight_cf", "weight_co")}
        projected = x @ own["weight_ih"].T + own["bias_ih"] + own["bias_hh"]
        steps = range(x.shape[1])
        outputs = [None] * len(steps)
        for t in reversed(steps) if name.endswith("_reverse") else steps:
            i, f, g, o = (projected[:, t] + h @ own["weight_hh"].T).chunk(4, dim=-1)
            i = torch.sigmoid(i + own["weight_ci"] * c)
            f = torch.sigmoid(f + own["weight_cf"] * c)
            c_new = f * c + i * torch.tanh(g)
            h_new = torch.sigmoid(o + own["weight_co"] * c_new) * torch.tanh(c_new)
            if lengths is None:
                h, c, outputs[t] = h_new, c_new, h_new
            else:
                # A skipped step leaves the state alone: walking backwards, a row starts at its last step.
                valid = (t < lengths).unsqueeze(-1)
                h, c = torch.where(valid, h_new, h), torch.where(valid, c_new, c)
                outputs[t] = torch.where(valid, h_new, 0.0)
        return torch.stack(outputs, dim=1)


def recurrent(input_size, hidden_size, layers, model):
    """The LSTM that the recipe's model section asks for; batch first."""
    kind = PeepholeLstm if model["peephole"] else nn.LSTM
    options = {} if model["peephole"] else {"batch_first": True}
    return kind(input_size, hidden_size, num_layers=layers, bidirectional=model["bidirectional"], **options)


class TemporalStream(nn.Module):
    """One step is one frame: all joints, part by part, each joint's channels together.

    `stacked`: two LSTM layers (`lstm`). `hierarchical`: one LSTM a body part (`parts.N`), whose
    outputs, concatenated in the order of the parts, feed another (`body`). The readout of both
    streams: maximum over the steps of the top layer, dropout, linear.
    """

    def __init__(self, model, layout, channels, classes):
        super().__init__()
        directions = 2 if model["bidirectional"] else 1
        self.part_joints = [part["joints"] for part in layout["parts"]]
        if model["temporal"] == "hierarchical":
            self.parts = nn.ModuleList(
                recurrent(len(joints) * channels, model["part_hidden"], 1, model) for joints in self.part_joints)
            self.body = recurrent(len(self.parts) * model["part_hidden"] * directions, model["hidden"], 1, model)
        elif model["temporal"] == "stacked":
            self.parts = None
            self.lstm = recurrent(sum(map(len, self.part_joints)) * channels, model["hidden"], 2, model)
        else:
            raise ValueError(f"model.temporal is {model['temporal']!r}, neither stacked nor hierarchical")
        self.dropout = nn.Dropout(model["dropout"])
        self.fc = nn.Linear(model["hidden"] * directions, classes)

    def forward(self, x):
        """[batch, T, joints, channels] → logits [batch, classes]."""
        parts = [x[:, :, joints].flatten(start_dim=2) for joints in self.part_joints]
        if self.parts is None:
            steps, _ = self.lstm(torch.cat(parts, dim=-1))
        else:
            outputs = [lstm(part)[0] for lstm, part in zip(self.parts, parts)]
            steps, _ = self.body(torch.cat(outputs, dim=-1))
        return self.fc(self.dropout(steps.amax(dim=1)))


class SpatialStream(nn.Module):
    """One step is one joint of the `chain` or `traversal`, over a window of a quarter of the frames.

    A step's numbers are frame-major: all channels of the window's frame 0, then of frame 1, …
    The logits are averaged over the four windows, which lie centred where four does not divide T.
    """

    WINDOWS = 4

    def __init__(self, model, layout, frames, channels, classes):
        super().__init__()
        if frames < self.WINDOWS:
            raise ValueError(f"{frames} frames do not give {self.WINDOWS} windows")
        if model["spatial"] not in ("chain", "traversal"):
            raise ValueError(f"model.spatial is {model['spatial']!r}, neither chain nor traversal")
        self.frames, self.width = frames, frames // self.WINDOWS
        self.order = layout[model["spatial"]]
        self.lstm = recurrent(self.width * channels, model["hidden"], 2, model)
        self.dropout = nn.Dropout(model["dropout"])
        self.fc = nn.Linear(model["hidden"] * (2 if model["bidirectional"] else 1), classes)

    def forward(self, x):
        """[batch, T, joints, channels] → logits [batch, classes]."""
        start = (self.frames - self.WINDOWS * self.width) // 2
        x = x[:, start:start + self.WINDOWS * self.width, self.order]
        x = x.unflatten(1, (self.WINDOWS, self.width)).transpose(2, 3)  # [batch, windows, order, width, channels]
        steps, _ = self.lstm(x.flatten(0, 1).flatten(start_dim=2))
        return self.fc(self.dropout(steps.amax(dim=1))).unflatten(0, (-1, self.WINDOWS)).mean(dim=1)


class GatedFusion(nn.Module):
    """Two scalar gates, one a stream, each a sigmoid of a linear layer on both streams' logits."""

    def __init__(self, classes):
        super().__init__()
        self.temporal_gate = nn.Linear(2 * classes, 1)
        self.spatial_gate = nn.Linear(2 * classes, 1)

    def forward(self, temporal, spatial):
        """Logits [batch, classes] of both streams → fused logits."""
        both = torch.cat([temporal, spatial], dim=-1)
        return (torch.sigmoid(self.temporal_gate(both)) * temporal
                + torch.sigmoid(self.spatial_gate(both)) * spatial)


class WeightedFusion(nn.Module):
    """A fixed share `weight` of the temporal stream, the rest of the spatial one."""

    def __init__(self, weight, scores):
        super().__init__()
        if scores not in ("posteriors", "logits"):
            raise ValueError(f"model.fusion_scores is {scores!r}, neither posteriors nor logits")
        self.weight, self.posteriors = weight, scores == "posteriors"

    def forward(self, temporal, spatial):
        """Logits [batch, classes] of both streams → fused probabilities, or fused logits."""
        if self.posteriors:
            temporal, spatial = temporal.softmax(dim=-1), spatial.softmax(dim=-1)
        return self.weight * temporal + (1 - self.weight) * spatial


class TwoStream(nn.Module):
    """Both streams and their fusion."""

    def __init__(self, model, layout, frames, channels, classes):
        """`model`: the recipe's section; `layout`: the body; `frames`: T; `classes`: their names."""
        super().__init__()
        self.classes = classes
        self.input_shape = (frames, len(layout["joints"]), channels)
        self.temporal = TemporalStream(model, layout, channels, len(classes))
        self.spatial = SpatialStream(model, layout, frames, channels, len(classes))
        if model["fusion"] == "gated":
            self.fusion = GatedFusion(len(classes))
        elif model["fusion"] == "weighted":
            self.fusion = WeightedFusion(model["fusion_weight"], model["fusion_scores"])
        else:
            raise ValueError(f"model.fusion is {model['fusion']!r}, neither weighted nor gated")

    @classmethod
    def from_metadata(cls, metadata):
        """An untrained model of the shape that an exported file's metadata describes."""
        layout, classes, recipe = (json.loads(metadata[key]) for key in ("layout", "classes", "recipe"))
        return cls(recipe["model"], layout, int(metadata["frames"]), int(metadata["channels"]), classes)

    @classmethod
    def from_file(cls, path):
        """The trained model in an exported file, ready to score (dropout off)."""
        from safetensors import safe_open
        from safetensors.torch import load_file

        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        missing = {"layout", "classes", "recipe", "frames", "channels"} - metadata.keys()
        if missing:
            raise ValueError(f"its metadata lacks {', '.join(sorted(missing))}: not a file that sinew exported")
        model = cls.from_metadata(metadata)
        model.load_state_dict(load_file(path), strict=True)
        return model.eval()

    def forward(self, x):
        """[batch, T, joints, channels] → (fused, temporal logits, spatial logits), each [batch, classes].

        `fused` holds probabilities where weighted fusion works on posteriors, logits otherwise.
        """
        if tuple(x.shape[1:]) != self.input_shape:
            raise ValueError(f"input is {list(x.shape)}, the model takes [batch, {', '.join(map(str, self.input_shape))}]")
        temporal, spatial = self.temporal(x), self.spatial(x)
        return self.fusion(temporal, spatial), temporal, spatial
