import pytest
import torch
import transformers

from tfgrounding.encoders.minilm import MiniLM


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536, layer_norm_eps=1e-12
    )
    return transformers.BertModel(config, add_pooling_layer=False).eval()


@pytest.fixture(scope="module")
def ours(theirs):
    model = MiniLM()
    model.load_trained(theirs.state_dict())
    return model.eval()


@pytest.mark.parametrize("lengths", [(1,), (7, 7, 6), (512, 3), (2, 40, 11, 5, 9, 30, 1, 17)])
def test_it_is_bert_s_encoder_and_the_mean_over_the_tokens(ours, theirs, lengths):
    torch.manual_seed(len(lengths))
    longest = max(lengths)
    mask = (torch.arange(longest) < torch.tensor(lengths)[:, None]).long()  # (N, L)
    ids = torch.randint(1, 30_522, mask.shape) * mask
    with torch.inference_mode():
        states = theirs(input_ids=ids, attention_mask=mask).last_hidden_state
        means = torch.stack([text[:length].mean(dim=0) for text, length in zip(states, lengths, strict=True)])
        vectors = ours(ids, mask)
    assert means.std() > 0.1
    torch.testing.assert_close(vectors, means, rtol=0, atol=1e-4)


def test_without_onednn_it_says_the_same(ours, monkeypatch):
    ids, mask = torch.randint(1, 30_522, (3, 9)), torch.ones(3, 9, dtype=torch.long)
    with torch.inference_mode():
        usual = ours(ids, mask)
        monkeypatch.setattr("tfgrounding.encoders.minilm.ONEDNN_LINEAR", None)
        torch.testing.assert_close(ours(ids, mask), usual, rtol=0, atol=1e-5)


def test_weights_of_another_network_are_refused(theirs):
    lacking = {name: tensor for name, tensor in theirs.state_dict().items() if "layer.5." not in name}
    with pytest.raises(KeyError, match=r"layer\.5"):
        MiniLM().load_trained(lacking)
